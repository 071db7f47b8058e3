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
  expect(clientProxies(['http_proxy=http://low', 'HTTP_PROXY=http://up', 'NO_PROXY=', 'no_proxy=c'])).toEqual(
    {
      httpProxy: 'http://up',
      noProxy: 'c',
    },
  );
  expect(clientProxies(['NO_PROXY=c'])).toBeUndefined();
  expect(clientProxies(null)).toBeUndefined();
});

describe("the docker client's config.json", () => {
  const before = { auths: { reg: { auth: 'x' } }, proxies: { default: { httpProxy: 'http://mine' } } };

  test('gets an entry for this engine; everything else stays', () => {
    const text = withClientProxies(JSON.stringify(before), PATH, { [HOST]: proxies }) ?? '';
    expect(JSON.parse(text)).toEqual({ ...before, proxies: { ...before.proxies, [HOST]: proxies } });
    expect(withClientProxies(text, PATH, { [HOST]: proxies })).toBeUndefined();
    expect(JSON.parse(withClientProxies(text, PATH, { [HOST]: undefined }) ?? '')).toEqual(before);
  });

  test("is made in the client's form when there is none, goes when nothing is left, and is left alone without need", () => {
    const made = withClientProxies(undefined, PATH, { [HOST]: proxies }) ?? '';
    expect(made).toBe(JSON.stringify({ proxies: { [HOST]: proxies } }, undefined, '\t'));
    expect(withClientProxies(made, PATH, { [HOST]: undefined })).toBe('');
    expect(withClientProxies(undefined, PATH, { [HOST]: undefined })).toBeUndefined();
  });

  const other = { proxies: { 'tcp://other:2376': { httpProxy: 'http://mine' } }, credsStore: 'desktop' };
  test.each([
    ['tabs', JSON.stringify(before, undefined, '\t')],
    ['four spaces and a line end', `${JSON.stringify(other, undefined, 4)}\n`],
    ['one line', JSON.stringify(other)],
    ["Windows' line ends", `${JSON.stringify(other, undefined, 2)}\n`.replaceAll('\n', '\r\n')],
  ])('written with %s is the same, byte for byte, when the entry has come and gone', (_, text) => {
    const changed = withClientProxies(text, PATH, { [HOST]: proxies }) ?? '';
    expect(JSON.parse(changed).proxies[HOST]).toEqual(proxies);
    expect(withClientProxies(changed, PATH, { [HOST]: undefined })).toBe(text);
  });

  test.each(['{', '[]', '"text"'])('that is %s is not overwritten', (text) => {
    expect(() => withClientProxies(text, PATH, { [HOST]: proxies })).toThrow(
      `The docker client's "${PATH}" is no JSON object`,
    );
  });
});
