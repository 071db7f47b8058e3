import { expect, test } from '@jest/globals';
import { oldEngineWarning } from '../../src/download/engine-age.js';

test.each([
  ['v17.09.0-ce', 'docker clients of version 29 and later do not talk to it'],
  ['v1.9.1', 'docker clients of version 29 and later do not talk to it'],
  ['v18.09.9', 'docker clients of version 29 and later do not talk to it'],
  ['v19.03.12', 'docker clients 29.0 to 29.2 do not talk to it, later ones may not either'],
  ['v20.10.24', 'docker clients 29.0 to 29.2 do not talk to it, later ones may not either'],
  ['v24.0.9', 'docker clients 29.0 to 29.2 do not talk to it, later ones may not either'],
])('P40: engine %s is too old: %s', (version, text) => {
  expect(oldEngineWarning(version)).toBe(
    `The Docker engine of this image is ${version}: ${text}. A newer image is worth having.`,
  );
});

test.each(['v25.0.0', 'v26.1.5', 'v29.3.1', '100.1', '', 'vNext'])(
  'P40: nothing is said of engine %j',
  (version) => {
    expect(oldEngineWarning(version)).toBeUndefined();
  },
);
