/** A change to a shell's environment: a new value, or undefined to unset the variable. */
export interface VariableChange {
  readonly name: string;
  readonly value: string | undefined;
}
