import { describe, expect, test } from '@jest/globals';
import { alignColumns, LIST_LAYOUT } from '../../src/ui/table.js';
import { recorded } from '../core/format/recorded.js';

describe("columns are laid out as Go's text/tabwriter does", () => {
  test.each(recorded.Layouts)('$MinWidth $TabWidth $Padding $PadCharacter: $Text', (layout) => {
    expect(
      alignColumns(layout.Text, {
        minWidth: layout.MinWidth,
        tabWidth: layout.TabWidth,
        padding: layout.Padding,
        padCharacter: layout.PadCharacter,
      }),
    ).toBe(layout.Output);
  });
});

test('the list of machines has the columns of the contract, trailing blanks included', () => {
  const rows =
    'NAME\tACTIVE\tDRIVER\tSTATE\tURL\tSWARM\tDOCKER\tERRORS\ndev\t-\tnone\tRunning\ttcp://1.2.3.4:2376\t\tv26.1.5\t\n';
  expect(alignColumns(rows, LIST_LAYOUT)).toBe(
    'NAME   ACTIVE   DRIVER   STATE     URL                  SWARM   DOCKER    ERRORS\n' +
      'dev    -        none     Running   tcp://1.2.3.4:2376           v26.1.5   \n',
  );
});
