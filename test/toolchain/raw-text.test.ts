import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import profile from '../../templates/boot2docker-profile?raw';

test('a template imported with ?raw is the text of the file', () => {
  expect(profile).toBe(readFileSync(new URL('../../templates/boot2docker-profile', import.meta.url), 'utf8'));
});
