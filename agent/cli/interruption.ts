// Ctrl-C and TERM as an AbortSignal: a command ends in order, a second Ctrl-C ends it at once.

export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
