// E-mail by SMTP (RFC 5321). Laws: TLS that is verified, unless the server is this machine; nothing of a login is in a log or a reason; and no
// message reads a file or a URL.
import { createTransport, type NodemailerError } from 'nodemailer';
import { foreignLine } from '../core/notify/foreign-text.ts';
import type { MailServer } from '../core/notify/mail-server.ts';
import { asMail } from '../core/notify/texts.ts';
import type { Notifier, Sent } from '../ports/notifier.ts';

const SEND_MS_MAX = 30_000;
const ANSWER_BYTES_MAX = 64 * 1024;
const WORDS_CHARACTERS_MAX = 200;
/** From the beginning (RFC 8314, 3.3). */
const TLS_PORT = 465;

export interface SmtpOptions {
  server: MailServer;
  from: string;
  to: readonly string[];
  login?: { user: string; password: string };
  msMax?: number;
  /** Whom its certificate may come from, PEM; default: those whom the system trusts. */
  ca?: string;
}

export function createSmtpNotifier(options: SmtpOptions): Notifier {
  const { from, to, msMax = SEND_MS_MAX } = options;
  return {
    async send(notice, signal) {
      const { subject, text } = asMail(notice);
      const transport = createTransport(transportOptions(options));
      const limited = AbortSignal.any([signal, AbortSignal.timeout(msMax)]);
      try {
        await transport.sendMail({
          ...{ from, to: [...to], subject, text, signal: limited },
          // The same message has the same name, so that a mailbox can tell that it came twice.
          messageId: `<${notice.id}@kokoa.invalid>`,
          headers: { 'Auto-Submitted': 'auto-generated' },
        });
        return { outcome: 'sent' };
      } catch (error) {
        return refusalOf(error as NodemailerError, options);
      } finally {
        transport.close();
      }
    },
  };
}

function transportOptions({ server, login, msMax = SEND_MS_MAX, ca }: SmtpOptions) {
  return {
    ...{ host: server.host, port: server.port, secure: server.port === TLS_PORT },
    // On this machine TLS is used where it is offered; its certificate is mostly one that the machine made for itself.
    requireTLS: !server.isLoopback,
    tls: { minVersion: 'TLSv1.2' as const, rejectUnauthorized: !server.isLoopback, ...(ca !== undefined && { ca }) },
    ...(login && { auth: { user: login.user, pass: login.password } }),
    ...{ connectionTimeout: msMax, greetingTimeout: msMax, socketTimeout: msMax, dnsTimeout: msMax },
    ...{ maxResponseSize: ANSWER_BYTES_MAX, logger: false, debug: false },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  };
}

/** Of a login that is refused only the number: servers repeat what they were sent, in any form. A person may mend it, and so it is tried again. */
function refusalOf(error: NodemailerError, { login }: SmtpOptions): Sent {
  const { code = 'unknown', command, response, responseCode, permanent } = error;
  if (responseCode === undefined || response === undefined)
    return { outcome: 'retry', reason: `not sent: ${/^[A-Z0-9_]{1,60}$/.test(code) ? code : 'unknown'}` };
  if (code === 'EAUTH' || command?.startsWith('AUTH') === true)
    return { outcome: 'retry', reason: `the login was refused (${responseCode})` };
  const reason = `answered ${foreignLine(hidden(response, login), WORDS_CHARACTERS_MAX)}`;
  if (code === 'ETLS') return { outcome: 'retry', reason: `no TLS: ${reason}` };
  return { outcome: permanent === true ? 'refused' : 'retry', reason };
}

/** As they were sent: AUTH PLAIN and LOGIN in base64 (RFC 4616). */
function hidden(words: string, login: SmtpOptions['login']): string {
  if (login === undefined) return words;
  const { user, password } = login;
  const encoded = [`\0${user}\0${password}`, password, user].map((text) => Buffer.from(text).toString('base64'));
  return [...encoded, password, user].reduce((text, secret) => text.replaceAll(secret, '[hidden]'), words);
}
