/** What an error makes the process print and answer. */
export interface Presentation {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface PresentContext {
  /** The name by which the program was called. */
  readonly programName: string;
  /** Shows the stack of a bug and the causes of an error. */
  readonly debug: boolean;
  /** The command that ran, for errors that do not say it themselves. */
  readonly command: string | undefined;
  /** Help of a command, or of the program for undefined; only asked for when it is shown. */
  helpFor(command: string | undefined): string;
}
