// Questions at a terminal. Law: what is typed shows only while a question waits whose answer may be seen, and no history keeps it.
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { KokoaError } from '../../bundle/error.ts';

export type TerminalInput = NodeJS.ReadableStream;
export type TerminalOutput = NodeJS.WritableStream;

export interface Terminal {
  /** @throws KokoaError usage when the input ends, or at Ctrl-C */
  ask(question: string): Promise<string>;
  /** The same, with nothing shown of the answer. */
  askHidden(question: string): Promise<string>;
  say(text: string): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** Lines that came before their question, such as a paste. */
const EARLY_LINES_MAX = 1_000;

export function openTerminal(input: TerminalInput, output: TerminalOutput): Terminal {
  let hidden = true;
  let closed = false;
  let giveUp: (() => void) | undefined;
  const early: string[] = [];
  const shown = new Writable({
    write(chunk, _encoding, done) {
      if (!hidden) output.write(chunk);
      done();
    },
  });
  // As a terminal it takes every key itself, so the system echoes none, also between two questions.
  const lines = createInterface({ input, output: shown, terminal: true, historySize: 0 });
  lines.on('line', (line) => {
    if (early.length < EARLY_LINES_MAX) early.push(line);
  });
  lines.once('close', () => {
    closed = true;
    giveUp?.();
  });

  function question(text: string, hide: boolean): Promise<string> {
    const ready = early.shift();
    if (ready !== undefined) {
      output.write(hide ? `${text}\n` : `${text}${ready}\n`);
      return Promise.resolve(ready);
    }
    return new Promise((resolve, reject) => {
      giveUp = () => {
        output.write('\n');
        reject(new KokoaError('usage', 'ended before everything was asked; nothing was sealed'));
      };
      if (closed) return giveUp();
      // With a prompt the interface would write what was typed early behind it.
      if (hide) output.write(text);
      hidden = hide;
      lines.question(hide ? '' : text, (line) => {
        // Before the next key is looked at: it may be the first of a password.
        hidden = true;
        if (hide) output.write('\n');
        resolve(line);
      });
    });
  }

  return {
    ask: (text) => question(text, false),
    askHidden: (text) => question(text, true),
    say: (text) => void output.write(`${text}\n`),
    close: () => lines.close(),
  };
}
