// The one error class of both halves. What is expected to happen is a value; only the rest throws, and always this.

export interface KokoaErrorOptions {
  /** What the reader can do about it, as a sentence. */
  hint?: string;
  cause?: unknown;
}

/** A failure with a stable code (snake_case), a message that says what was found against what was expected, and a hint. */
export class KokoaError extends Error {
  override readonly name = 'KokoaError';
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: KokoaErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** What a person reads when a command ends: the message, the code, the hint. Never a stack trace. */
export function failureText(error: unknown): string {
  if (!(error instanceof KokoaError)) return `error: ${error instanceof Error ? error.message : String(error)}`;
  const hint = error.hint === undefined ? '' : `\n  ${error.hint.split('\n').join('\n  ')}`;
  return `error: ${error.message} (${error.code})${hint}`;
}
