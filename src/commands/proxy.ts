import { BaseCommand } from '../cli/base-command.js';
import { JSON_FLAG } from '../cli/shared-flags.js';
import { splitSubcommand, topic } from '../cli/subcommands.js';
import { type CheckedHop, checkProxies } from '../core/actions/proxy-check.js';
import { ExitCode, UsageError } from '../core/errors.js';
import { plainText } from '../core/plain-text.js';
import { alignColumns, LIST_LAYOUT } from '../ui/table.js';

export const spec = topic(
  {
    name: 'proxy',
    usage: 'Look at the way to the network, from here and from inside a machine',
  },
  [
    {
      name: 'proxy check',
      usage: 'Show each step of the way to a URL, from here and from inside a running machine',
      description:
        'Argument is a URL; without one, where boot images come from. Each step says what was found; after one that fails, why and what to do next. Exit 1 when one fails.',
      flags: [
        {
          name: 'machine',
          type: 'string',
          help: 'Look from inside this machine too; default: "default", when it runs',
        },
        JSON_FLAG,
      ],
    },
  ],
);

export default class ProxyCommand extends BaseCommand {
  static override readonly spec = spec;

  protected async work(): Promise<void> {
    const { args } = splitSubcommand(spec, this.words);
    if (args.length > 1)
      throw new UsageError({ message: 'Error: Too many arguments given to "proxy check"' });
    const request = { url: this.url(args[0]), machine: this.text('machine') };
    const hops = await checkProxies(this.app, request, this.call);
    if (this.isOn('json')) this.printJson({ url: request.url, hops: hops.map(asJson) });
    else this.world.stdout.write(alignColumns(`${lines(hops).join('\n')}\n`, LIST_LAYOUT));
    if (hops.some(({ ok }) => !ok)) this.world.exitWith(ExitCode.failure);
  }

  private url(given: string | undefined): string {
    if (given === undefined) return this.app.shelf.browserUrl('');
    const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `https://${given}`;
    if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
    throw new UsageError({
      message: `Error: "${given}" is no http or https URL`,
      nextSteps: [`for example: ${this.programName} proxy check https://registry.example/v2/`],
    });
  }
}

function lines(hops: readonly CheckedHop[]): readonly string[] {
  return [
    'WHERE\tSTEP\tRESULT',
    ...hops.flatMap((hop) => [
      `${hop.where}\t${hop.name}\t${hop.ok ? '' : 'failed: '}${plainText(hop.text)}`,
      ...(hop.reason === undefined ? [] : [`\t\t  Why   ${plainText(hop.reason)}`]),
      ...hop.nextSteps.map((step) => `\t\t  Next  ${plainText(step)}`),
    ]),
  ];
}

function asJson({ where, name, ok, text, reason, nextSteps }: CheckedHop): object {
  return {
    where,
    step: name,
    ok,
    text: plainText(text),
    reason: reason === undefined ? null : plainText(reason),
    nextSteps: nextSteps.map(plainText),
  };
}
