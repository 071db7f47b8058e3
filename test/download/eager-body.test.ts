import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { eagerBody } from '../../src/download/eager-body.js';
import { until } from './doubles.js';

async function all(body: AsyncIterable<Uint8Array>): Promise<{ bytes: number; error: string }> {
  let bytes = 0;
  try {
    for await (const chunk of body) bytes += chunk.length;
  } catch (error) {
    return { bytes, error: String(error) };
  }
  return { bytes, error: '' };
}

test('P07: what had arrived before a break is handed out, then the break', async () => {
  const stream = new PassThrough();
  const body = eagerBody(stream);
  stream.write(Buffer.alloc(1000));
  stream.write(Buffer.alloc(500));
  await until(() => stream.readableLength === 0);
  stream.destroy(new Error('reset'));
  await until(() => stream.closed);
  expect(await all(body)).toEqual({ bytes: 1500, error: 'Error: reset' });
});

test('a body that ends, ends', async () => {
  const stream = new PassThrough();
  const body = eagerBody(stream);
  stream.end(Buffer.alloc(1000));
  expect(await all(body)).toEqual({ bytes: 1000, error: '' });
});

test('a body that is let go of without an end is an error', async () => {
  const stream = new PassThrough();
  const body = eagerBody(stream);
  stream.destroy();
  expect(await all(body)).toEqual({ bytes: 0, error: 'Error: the connection was closed' });
});

test('a slow reader makes the other side wait', async () => {
  const stream = new PassThrough();
  const body = eagerBody(stream);
  for (let sent = 0; sent < 4; sent++) stream.write(Buffer.alloc(512 * 1024));
  await until(() => stream.isPaused());
  expect(stream.readableLength + stream.writableLength).toBeGreaterThan(0);
  stream.end();
  expect(await all(body)).toEqual({ bytes: 2 * 1024 * 1024, error: '' });
});
