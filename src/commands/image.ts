import { BaseCommand } from '../cli/base-command.js';
import { IMAGE_FLAGS } from '../cli/shared-create-flags.js';
import { JSON_FLAG } from '../cli/shared-flags.js';
import { splitSubcommand, topic } from '../cli/subcommands.js';
import {
  type ListedImage,
  listImages,
  prunable,
  pruneImages,
  pullImage,
  verifyImages,
} from '../core/actions/images.js';
import { UsageError } from '../core/errors.js';
import { alignColumns, LIST_LAYOUT } from '../ui/table.js';

const YES_FLAG = { name: 'y', type: 'bool', help: 'Assumes automatic yes to proceed' } as const;

export const spec = topic(
  {
    name: 'image',
    usage: 'List, get, check and delete boot images',
    description:
      'An image that was put into the cache by hand is as good as one that was downloaded: no network is used then.',
  },
  [
    {
      name: 'image ls',
      usage: 'List the boot images of the cache, of installed packages and of machines',
      flags: [JSON_FLAG],
    },
    {
      name: 'image pull',
      usage: 'Get a boot image, and make it the one that create takes when none is named',
      description:
        'Argument is a URL, a file or a releases URL of GitHub; without one the latest release. The image before stays until the new one is whole.',
      flags: [
        ...IMAGE_FLAGS,
        {
          name: 'print-url',
          type: 'bool',
          help: 'Print the URL instead, for a browser or another computer, and say where to put the file',
        },
        JSON_FLAG,
      ],
    },
    {
      name: 'image verify',
      usage: 'Check that boot images are whole and what they were',
      description:
        'Arguments are files; without one, all that "image ls" lists. Exit 1 when one is of no use.',
      flags: [JSON_FLAG],
    },
    {
      name: 'image prune',
      usage: 'Delete boot images that can be downloaded again, and what is left of downloads',
      description: 'Machines have copies of their own and go on working.',
      flags: [
        {
          name: 'all',
          short: 'a',
          type: 'bool',
          help: 'Also the image that create takes when none is named',
        },
        YES_FLAG,
        JSON_FLAG,
      ],
    },
  ],
);

export default class Image extends BaseCommand {
  static override readonly spec = spec;

  protected async work(): Promise<void> {
    const { subcommand, args } = splitSubcommand(spec, this.words);
    if (args.length > (subcommand === 'verify' ? Number.POSITIVE_INFINITY : subcommand === 'pull' ? 1 : 0)) {
      throw new UsageError({ message: `Error: Too many arguments given to "image ${subcommand}"` });
    }
    switch (subcommand) {
      case 'ls':
        return this.ls();
      case 'pull':
        return this.pull(args[0] ?? '');
      case 'verify':
        return this.verify(args);
      default:
        return this.prune();
    }
  }

  private async ls(): Promise<void> {
    const images = await listImages(this.app, this.call);
    if (this.isOn('json')) {
      this.printJson({ images: images.map(asJson) });
      return;
    }
    const rows = images.map((image) =>
      [
        image.machine === '' ? image.kind : `machine ${image.machine}`,
        image.facts?.version ?? '',
        `${(image.bytes / 1024 / 1024).toFixed(1)} MiB`,
        image.facts?.digest.slice(0, 12) ?? '',
        state(image),
        image.path,
      ].join('\t'),
    );
    this.world.stdout.write(
      alignColumns(`${['KIND\tENGINE\tSIZE\tSHA256\tSTATE\tPATH', ...rows].join('\n')}\n`, LIST_LAYOUT),
    );
  }

  private async pull(url: string): Promise<void> {
    if (this.isOn('print-url')) {
      const from = this.app.shelf.browserUrl(url);
      const to = this.app.shelf.defaultPath;
      if (this.isOn('json')) this.printJson({ url: from, path: to });
      else this.print(from);
      this.call.reporter.step(`Put the file there: ${to}`);
      return;
    }
    const { path, image } = await pullImage(this.app, url, this.call);
    if (this.isOn('json')) this.printJson({ path, version: image.version, sha256: image.digest });
  }

  private async verify(paths: readonly string[]): Promise<void> {
    const seen: ListedImage[] = [];
    const tell = (image: ListedImage) => {
      seen.push(image);
      if (!this.isOn('json')) this.print(`${image.path}: ${described(image)}`);
    };
    try {
      await verifyImages(this.app, paths, tell, this.call);
    } finally {
      if (this.isOn('json')) this.printJson({ images: seen.map(asJson) });
    }
  }

  private async prune(): Promise<void> {
    const images = await prunable(this.app, this.isOn('all'), this.call);
    const mayGo =
      !images.some(({ kind }) => kind === 'default') ||
      this.isOn('y') ||
      (await this.world.ask(
        `The image that "create" takes goes too: ${this.app.shelf.defaultPath}\nAre you sure? (y/n): `,
      )) === 'yes';
    const freed = mayGo ? await pruneImages(this.app, images, this.call) : 0;
    if (this.isOn('json')) this.printJson({ freedBytes: freed });
    else this.print(`Freed ${(freed / 1024 / 1024).toFixed(1)} MiB`);
  }
}

function state(image: ListedImage): string {
  if (image.fault !== '') return 'broken';
  if (image.kind === 'unfinished') return 'unfinished';
  return image.isVerified ? 'verified' : 'whole';
}

function described(image: ListedImage): string {
  const { facts, fault, isVerified } = image;
  if (fault !== '') return `broken: ${fault}`;
  const known = isVerified ? 'this release vouches for it' : 'not known to this release';
  return `whole, engine ${facts?.version || 'unknown'}, SHA-256 ${facts?.digest ?? ''} (${known})`;
}

function asJson(image: ListedImage): object {
  return {
    kind: image.kind,
    machine: image.machine,
    path: image.path,
    bytes: image.bytes,
    version: image.facts?.version ?? '',
    sha256: image.facts?.digest ?? '',
    oneStep: image.facts?.oneStep ?? false,
    state: state(image),
    fault: image.fault,
  };
}
