// A server in the form of GitHub's releases, for one image: `release-server.mjs ADDRESS PORT TAG IMAGE`. The first transfer of the image is cut in its middle.
// Prints a line for each request.

import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';

const [address, port, tag, image] = process.argv.slice(2);
const { size, mtimeMs } = statSync(image);
const headers = {
  etag: `"${size}-${mtimeMs}"`,
  'accept-ranges': 'bytes',
  'content-type': 'application/octet-stream',
};
let isFirst = true;

const server = createServer((request, response) => {
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  console.log(`${request.method} ${request.url} ${request.headers.range ?? ''}`.trim());
  if (request.url === '/repos/boot2docker/boot2docker/releases/latest') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ tag_name: tag }));
  } else if (request.url === `/boot2docker/boot2docker/releases/download/${tag}/boot2docker.iso`) {
    send(response, request.method === 'HEAD', range === null ? 0 : Number(range[1]));
  } else {
    response.writeHead(404).end();
  }
});

function send(response, headOnly, start) {
  const span = start === 0 ? {} : { 'content-range': `bytes ${start}-${size - 1}/${size}` };
  response.writeHead(start === 0 ? 200 : 206, { ...headers, ...span, 'content-length': size - start });
  if (headOnly) return response.end();
  const cut = isFirst;
  isFirst = false;
  const file = createReadStream(image, cut ? { start, end: Math.floor(size / 2) } : { start });
  file.pipe(response, { end: !cut });
  if (cut) file.on('end', () => setTimeout(() => response.destroy(), 500));
}

server.listen(Number(port), address, () => console.log('ready'));
