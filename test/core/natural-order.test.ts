import { expect, test } from '@jest/globals';
import { naturalOrder } from '../../src/core/natural-order.js';

test('names sort as people read them: digits as numbers, case ignored, digits before letters', () => {
  const names = ['dev10', 'Dev2', 'dev', '1st', 'dev2b', 'alpha', 'dev2'];
  expect(names.sort(naturalOrder)).toEqual(['1st', 'alpha', 'dev', 'Dev2', 'dev2', 'dev2b', 'dev10']);
});
