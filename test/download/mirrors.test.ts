import { describe, expect, test } from '@jest/globals';
import { DownloadError } from '../../src/core/errors.js';
import { fromFirstOf, parseDigest, parseMirrors } from '../../src/download/mirrors.js';
import { recordedReporter } from './doubles.js';

const failure = (stage: DownloadError['stage'], message: string) =>
  new DownloadError({ stage, code: 'X', message });

describe('P07: several mirrors', () => {
  test('are asked in order, and what failed is said', async () => {
    const reporter = recordedReporter();
    const fetch = async (url: string) => {
      if (url !== 'http://c/') throw failure('connect', `no ${url}`);
      return 'fetched';
    };
    expect(await fromFirstOf(['http://a/', 'http://b/', 'http://c/', 'http://d/'], fetch, reporter)).toEqual({
      url: 'http://c/',
      result: 'fetched',
    });
    expect(reporter.lines).toEqual([
      '! no http://a/. Trying another mirror: http://b/',
      '! no http://b/. Trying another mirror: http://c/',
    ]);
  });

  test('show no password', async () => {
    const reporter = recordedReporter();
    const fetch = async (url: string) => {
      if (url === 'http://a/') throw failure('connect', 'no');
    };
    await fromFirstOf(['http://a/', 'http://u:p@b/'], fetch, reporter);
    expect(reporter.lines).toEqual(['! no. Trying another mirror: http://u:***@b/']);
  });

  test('that all fail leave the first failure', async () => {
    const fetching = fromFirstOf(
      ['http://a/', 'http://b/'],
      async (url) => {
        throw failure('status', url);
      },
      recordedReporter(),
    );
    await expect(fetching).rejects.toThrow('http://a/');
  });

  test('are of no use when the disk is full, or after Ctrl-C', async () => {
    for (const error of [failure('disk', 'full'), new Error('interrupted')]) {
      const asked: string[] = [];
      const fetching = fromFirstOf(
        ['http://a/', 'http://b/'],
        async (url) => {
          asked.push(url);
          throw error;
        },
        recordedReporter(),
      );
      await expect(fetching).rejects.toBe(error);
      expect(asked).toEqual(['http://a/']);
    }
  });

  test('must be http or https URLs', () => {
    expect(parseMirrors([' https://a/x ', '', 'HTTP://b/'])).toEqual(['https://a/x', 'HTTP://b/']);
    expect(() => parseMirrors(['file:///x'])).toThrow('"file:///x" (--image-mirror) is no http or https URL');
  });
});

test('a digest is 64 hexadecimal digits, as sha256sum and GitHub write them', () => {
  const digest = 'AB'.repeat(32);
  expect(parseDigest(digest)).toBe(digest.toLowerCase());
  expect(parseDigest(`sha256:${digest}`)).toBe(digest.toLowerCase());
  expect(parseDigest(undefined)).toBeUndefined();
  expect(() => parseDigest('abc')).toThrow('"abc" (--image-digest) is no SHA-256');
});
