import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CREATE_LINES, killableCreate, killSeed, seeded } from '../support/create-kills.js';

describe('P28: create killed with SIGKILL', () => {
  const random = seeded(killSeed());
  const points = CREATE_LINES.flatMap((line) => [
    { line, delayMs: 0 },
    { line, delayMs: Math.round(random() * 1_500) },
  ]);

  test.each(points)(
    '$delayMs ms after "$line": the same create goes on, and rm leaves nothing',
    async (point) => {
      const directory = await mkdtemp(join(tmpdir(), 'tm-kill-'));
      const machine = killableCreate(directory);
      try {
        const { status, signal } = await machine.cut(point);
        expect([status, signal]).toContainEqual(status === 0 ? 0 : 'SIGKILL');
        await machine.finishAndRemove();
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  );
});
