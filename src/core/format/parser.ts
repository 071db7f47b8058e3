import { goQuote } from '../go-quote.js';
import { type Token, tokensOf } from './lexer.js';
import { parseError, unsupported } from './template-error.js';

/** What a command's operand names. `offset` and `source` are for error texts: Go's place and form of the node. */
export type Operand =
  | { readonly kind: 'dot'; readonly offset: number; readonly source: string }
  | {
      readonly kind: 'path';
      /** `dot`: from the value at hand; `root`: from the value the template was given (`$`). */
      readonly from: 'dot' | 'root';
      readonly fields: readonly string[];
      readonly offset: number;
      readonly source: string;
    }
  | { readonly kind: 'function'; readonly name: string; readonly offset: number; readonly source: string };

/** An operand with its arguments, such as `json .Driver`. */
export interface TemplateCommand {
  readonly operands: readonly Operand[];
}

export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: readonly TemplateCommand[] };

export interface Template {
  readonly text: string;
  readonly nodes: readonly TemplateNode[];
}

/** Functions that Go has and we have not yet: they are named as missing, not as mistakes. */
const GO_FUNCTIONS = new Set(
  'and or not len index slice print printf println html js urlquery call eq ne lt le gt ge'.split(' '),
);

/** Reads a template. `functions` are the names that may be called. Throws TemplateError in Go's words. */
export function parseTemplate(text: string, functions: ReadonlySet<string>): Template {
  const parser = new Parser(text, functions);
  const nodes: TemplateNode[] = [];
  for (;;) {
    const token = parser.next();
    if (token.kind === 'end') return { text, nodes };
    nodes.push(
      token.kind === 'text'
        ? { kind: 'text', text: token.text }
        : { kind: 'action', pipeline: parser.action() },
    );
  }
}

class Parser {
  readonly #text: string;
  readonly #functions: ReadonlySet<string>;
  readonly #tokens: Iterator<Token>;
  #pushedBack: Token | undefined;

  constructor(text: string, functions: ReadonlySet<string>) {
    this.#text = text;
    this.#functions = functions;
    this.#tokens = tokensOf(text);
  }

  next(): Token {
    const token = this.#pushedBack ?? this.#read();
    this.#pushedBack = undefined;
    return token;
  }

  #read(): Token {
    const result = this.#tokens.next();
    return result.done === true ? { kind: 'end', text: '', offset: this.#text.length } : result.value;
  }

  #peek(): Token {
    this.#pushedBack ??= this.next();
    return this.#pushedBack;
  }

  #skipSpace(): Token {
    while (this.#peek().kind === 'space') this.next();
    return this.#peek();
  }

  /** Behind `{{`: the pipeline up to and with `}}`. */
  action(): readonly TemplateCommand[] {
    const first = this.#skipSpace();
    if (first.kind === 'keyword') {
      if (first.text === 'end' || first.text === 'else') {
        throw parseError(this.#text, first.offset, `unexpected {{${first.text}}}`);
      }
      throw unsupported(this.#text, first.offset, `"${first.text}"`);
    }
    const commands: TemplateCommand[] = [];
    for (;;) {
      const token = this.#skipSpace();
      if (token.kind === 'rightDelimiter') {
        this.next();
        if (commands.length === 0) throw parseError(this.#text, token.offset, 'missing value for command');
        return commands;
      }
      if (!['dot', 'field', 'variable', 'identifier', 'constant', 'leftParen'].includes(token.kind)) {
        throw this.#unexpected(token, 'command');
      }
      const command = this.#command();
      if (commands.length > 0 && command.operands[0]?.kind === 'dot') {
        throw parseError(
          this.#text,
          token.offset,
          `non executable command in pipeline stage ${commands.length + 1}`,
        );
      }
      commands.push(command);
    }
  }

  /** Operands separated by blanks, up to `|` or the end of the action. */
  #command(): TemplateCommand {
    const operands: Operand[] = [];
    for (;;) {
      this.#skipSpace();
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
      const token = this.#peek();
      if (token.kind === 'rightDelimiter' || token.kind === 'rightParen') break;
      this.next();
      if (token.kind === 'pipe') break;
      if (token.kind === 'declaration') throw unsupported(this.#text, token.offset, 'variables');
      if (token.kind !== 'space') throw this.#unexpected(token, 'operand');
    }
    return { operands };
  }

  /** One term with the fields behind it; undefined (nothing taken) when no term stands here. */
  #operand(): Operand | undefined {
    const token = this.#peek();
    switch (token.kind) {
      case 'dot':
        this.next();
        this.#refuseFields('.');
        return { kind: 'dot', offset: token.offset, source: '.' };
      case 'field':
        this.next();
        return this.#path(token, 'dot', [token.text.slice(1)]);
      case 'variable':
        this.next();
        if (token.text !== '$') return this.#undefinedVariable(token);
        return this.#path(token, 'root', []);
      case 'identifier':
        this.next();
        this.#requireFunction(token);
        this.#refuseChain(token);
        return { kind: 'function', name: token.text, offset: token.offset, source: token.text };
      case 'constant':
        throw unsupported(this.#text, token.offset, `the constant ${token.text}`);
      case 'leftParen':
        throw unsupported(this.#text, token.offset, 'a parenthesis');
      default:
        return undefined;
    }
  }

  /** Go gives a path of several fields the place of its second one. */
  #path(start: Token, from: 'dot' | 'root', first: readonly string[]): Operand {
    const fields = [...first];
    let offset = start.offset;
    let source = start.text;
    for (let token = this.#peek(); token.kind === 'field'; token = this.#peek()) {
      this.next();
      if (source === start.text) offset = token.offset;
      fields.push(token.text.slice(1));
      source += token.text;
    }
    return { kind: 'path', from, fields, offset, source };
  }

  #refuseFields(term: string): void {
    const token = this.#peek();
    if (token.kind === 'field') {
      throw parseError(this.#text, token.offset, `unexpected . after term ${goQuote(term)}`);
    }
  }

  #refuseChain(word: Token): void {
    if (this.#peek().kind === 'field') {
      throw unsupported(this.#text, word.offset, `a field of what ${word.text} gives`);
    }
  }

  #requireFunction(token: Token): void {
    if (this.#functions.has(token.text)) return;
    if (GO_FUNCTIONS.has(token.text)) {
      throw unsupported(this.#text, token.offset, `the function "${token.text}"`);
    }
    throw parseError(this.#text, token.offset, `function ${goQuote(token.text)} not defined`);
  }

  #undefinedVariable(token: Token): never {
    if (this.#skipSpace().kind === 'declaration') throw unsupported(this.#text, token.offset, 'variables');
    throw parseError(this.#text, token.offset, `undefined variable ${goQuote(token.text)}`);
  }

  #unexpected(token: Token, context: string) {
    const shown = token.kind === 'dot' || token.kind === 'keyword' ? `<${token.text}>` : goQuote(token.text);
    return parseError(this.#text, token.offset, `unexpected ${shown} in ${context}`);
  }
}
