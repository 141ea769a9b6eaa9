// A reverse proxy that puts a server under a prefix and strips it, as nginx does with
// `location /fleet/ { proxy_pass http://127.0.0.1:8480/; proxy_set_header Host $http_host; }`.
import { createServer, request } from 'node:http';

// A proxy in front of `target`; what is not under the prefix belongs to somebody else.
export async function behind(target, prefix) {
  const { hostname, port } = new URL(target), strays = [];
  const server = createServer((asked, answer) => {
    if (!asked.url.startsWith(`${prefix}/`)) { strays.push(asked.url); return void answer.writeHead(404).end(); }
    const on = request({ hostname, port, method: asked.method, path: asked.url.slice(prefix.length), headers: asked.headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    on.on('error', () => answer.destroy());
    answer.on('close', () => on.destroy());
    asked.pipe(on);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { origin: `http://127.0.0.1:${server.address().port}`, strays, stop: () => { server.closeAllConnections(); return new Promise((done) => server.close(done)); } };
}
