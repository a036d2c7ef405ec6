import { describe, expect, test } from 'vitest';
import { runProgram } from './program.ts';

describe('runProgram', () => {
  test('gives standard input, and answers what was printed', async () => {
    expect(await runProgram(['cat'], { input: 'hello' })).toEqual({ ok: true, stdout: 'hello', reason: '' });
  });

  test('a failure is a value with one line of standard error, and nothing of standard output', async () => {
    const script = 'echo secret; echo first >&2; echo second >&2; exit 3';
    expect(await runProgram(['sh', '-c', script])).toMatchObject({ ok: false, reason: 'sh: first second' });
    const { reason } = await runProgram(['sh', '-c', 'yes x | head -c 100000 >&2; exit 1']);
    expect(reason.length).toBeLessThanOrEqual(300);
    expect(await runProgram(['sh', '-c', 'exit 3'])).toMatchObject({ reason: 'sh: ended with 3' });
  });

  test('a program that hangs or prints without end is ended', async () => {
    expect(await runProgram(['sleep', '30'], { timeoutMs: 100 })).toMatchObject({
      reason: 'sleep did not end in time',
    });
    expect((await runProgram(['yes'])).reason).toMatch(/printed more than/);
  });

  test('nothing of the environment is handed on but a path', async () => {
    process.env.KOKOA_TEST_SECRET = 'do-not-leak';
    const { stdout } = await runProgram(['env']);
    delete process.env.KOKOA_TEST_SECRET;
    expect(stdout).not.toContain('do-not-leak');
    expect(stdout).toContain('PATH=');
  });

  test('a program that is not installed is an error that says what to install', async () => {
    await expect(runProgram(['no-such-program'])).rejects.toMatchObject({ code: 'program_missing' });
  });
});
