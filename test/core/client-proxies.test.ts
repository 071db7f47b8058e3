import { describe, expect, test } from '@jest/globals';
import { clientProxies, withClientProxies } from '../../src/core/client-proxies.js';

const PATH = '/home/me/.docker/config.json';
const HOST = 'tcp://127.0.0.1:40001';
const proxies = { httpProxy: 'http://10.0.2.2:3128', noProxy: 'localhost' };

test("an engine's proxies in the client's own words; none without a proxy", () => {
  expect(clientProxies(['HTTP_PROXY=http://a', 'https_proxy=http://b', 'NO_PROXY=c', 'D=e'])).toEqual({
    httpProxy: 'http://a',
    httpsProxy: 'http://b',
    noProxy: 'c',
  });
  expect(clientProxies(['NO_PROXY=c'])).toBeUndefined();
  expect(clientProxies(null)).toBeUndefined();
});

describe("the docker client's config.json", () => {
  const before = { auths: { reg: { auth: 'x' } }, proxies: { default: { httpProxy: 'http://mine' } } };

  test('gets an entry for this engine; everything else stays', () => {
    const text = withClientProxies(JSON.stringify(before), PATH, { [HOST]: proxies }) ?? '';
    expect(JSON.parse(text)).toEqual({ ...before, proxies: { ...before.proxies, [HOST]: proxies } });
    expect(text.split('\n')[1]).toBe('\t"auths": {');
    expect(withClientProxies(text, PATH, { [HOST]: proxies })).toBeUndefined();
    expect(JSON.parse(withClientProxies(text, PATH, { [HOST]: undefined }) ?? '')).toEqual(before);
  });

  test('is made when there is none, and left alone when there is nothing to say', () => {
    expect(JSON.parse(withClientProxies(undefined, PATH, { [HOST]: proxies }) ?? '')).toEqual({
      proxies: { [HOST]: proxies },
    });
    expect(withClientProxies(undefined, PATH, { [HOST]: undefined })).toBeUndefined();
    expect(
      JSON.parse(
        withClientProxies(JSON.stringify({ proxies: { [HOST]: proxies } }), PATH, { [HOST]: undefined }) ??
          '',
      ),
    ).toEqual({});
  });

  test.each(['{', '[]', '"text"'])('that is %s is not overwritten', (text) => {
    expect(() => withClientProxies(text, PATH, { [HOST]: proxies })).toThrow(
      `The docker client's "${PATH}" is no JSON object`,
    );
  });
});
