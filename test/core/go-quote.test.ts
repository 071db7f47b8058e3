import { describe, expect, test } from '@jest/globals';
import { goQuote } from '../../src/core/go-quote.js';
import { recorded } from './format/recorded.js';

describe("text is quoted as Go's %q does", () => {
  test.each(recorded.Quotes)('$Quoted', ({ Text, Quoted }) => {
    expect(goQuote(Text)).toBe(Quoted);
  });
});
