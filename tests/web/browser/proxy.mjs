// nginx in front of a server, under a prefix that it strips.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// All of it is at its default but for what cloud.toml says of a proxy.
const config = (directory, port, target, prefix) => `daemon off; master_process off;
pid ${directory}/pid; error_log stderr;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`).join(' ')}
  log_format asked '$request_uri';
  server {
    listen 127.0.0.1:${port};
    location ${prefix}/ { proxy_pass ${target}/; proxy_set_header Host $http_host; }
    location / { access_log ${directory}/strays asked; return 404; }
  }
}
`;

async function free_port() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port) {
  const socket = connect(port, '127.0.0.1');
  const up = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(
      () => false,
      () => false,
    ),
  ]).catch(() => false);
  socket.destroy();
  return up;
}

// A proxy in front of `target`; what is not under the prefix belongs to somebody else.
export async function behind(target, prefix) {
  const directory = mkdtempSync(join(tmpdir(), 'spillway-nginx-')),
    port = await free_port();
  writeFileSync(join(directory, 'nginx.conf'), config(directory, port, new URL(target).origin, prefix));
  const nginx = spawn('/usr/sbin/nginx', ['-p', directory, '-e', 'stderr', '-c', join(directory, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(nginx, 'exit');
  ended.catch(() => undefined);
  while (!(await answers(port))) {
    if (nginx.exitCode !== null || nginx.pid === undefined) throw new Error('nginx did not start');
    await new Promise((done) => setTimeout(done, 20));
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    get strays() {
      return readFileSync(join(directory, 'strays'), 'utf8').split('\n').filter(Boolean);
    },
    async stop() {
      nginx.kill();
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}
