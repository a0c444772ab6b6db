// A bare server on Node's `ws`: answers open, ping and close, and with "echo" sends audio back.
const { WebSocketServer } = require('ws');
const echo = process.argv.includes('echo');
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096, perMessageDeflate: false });
server.on('listening', () => console.log('listening'));
server.on('connection', (peer) => {
    let seq = 0;
    peer.on('message', (data, binary) => {
        if (binary) {
            if (echo) peer.send(data, { binary: true });
            return;
        }
        const message = JSON.parse(data.toString());
        const answer = { open: 'opened', ping: 'pong', close: 'closed' }[message.type];
        if (!answer) return;
        const parameters = answer === 'opened' ? { startPaused: false, media: message.parameters.media.slice(0, 1) } : {};
        peer.send(JSON.stringify({ version: '2', type: answer, id: message.id, seq: ++seq, clientseq: message.seq, parameters }));
    });
    peer.on('error', () => {});
});
