// Loaded into NNI's manager before anything else: its server names no host, which would be every interface.
'use strict';
const net = require('net');

const host = process.env.GTN_NAS_NNI_HOST || '127.0.0.1';
const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (...words) {
    const [port, next] = words;
    if (typeof port === 'number' && typeof next !== 'string') {
        const rest = typeof next === 'number' || next === undefined ? words.slice(2) : words.slice(1);
        return listen.call(this, port, host, ...rest);
    }
    return listen.apply(this, words);
};
