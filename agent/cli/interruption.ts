// Ctrl-C and TERM as an AbortSignal: a command ends in order, a second Ctrl-C ends it at once.

/** 128 and SIGINT: how a shell says that a command was interrupted. */
const INTERRUPTED = 130;

/** The listeners stay, because a signal that nobody listens to ends the process before it could end in order. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(INTERRUPTED);
      controller.abort();
    });
  }
  return controller.signal;
}
