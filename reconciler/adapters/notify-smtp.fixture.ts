// A small SMTP server on loopback (RFC 5321, STARTTLS, AUTH PLAIN and LOGIN), which misbehaves as told.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

export interface TakenMail {
  from: string;
  to: string[];
  data: string;
  isSecure: boolean;
  login?: string;
}

export interface SmtpFaults {
  /** Answers of its own, by the first word of a command; `DATA.` is what follows the message, `HELLO` the greeting. */
  answers?: Readonly<Record<string, string>>;
  /** Says nothing at all. */
  isMute?: boolean;
  /** Sends lines without end. */
  isEndless?: boolean;
}

export interface SmtpServer {
  port: number;
  readonly mails: readonly TakenMail[];
  /** Every line that came in the clear. */
  readonly inTheClear: readonly string[];
  faults: SmtpFaults;
  close(): Promise<void>;
}

export interface SmtpServerOptions {
  /** With them it offers STARTTLS. */
  tls?: { cert: string; key: string };
  /** With it a login is asked for. */
  password?: string;
}

export async function startSmtpServer({ tls, password }: SmtpServerOptions = {}): Promise<SmtpServer> {
  const mails: TakenMail[] = [];
  const inTheClear: string[] = [];
  const sockets = new Set<Socket>();

  function talk(socket: Socket, isSecure: boolean): void {
    let rest = '';
    let mail: TakenMail = { from: '', to: [], data: '', isSecure };
    let next: ((line: string) => void) | undefined;
    const say = (key: string, line: string) => void socket.write(`${server.faults.answers?.[key] ?? line}\r\n`);
    const judge = (login: string) => {
      mail.login = login;
      if (login.endsWith(`\0${password}`)) say('LOGIN', '235 2.7.0 welcome');
      else say('LOGIN', `535 5.7.8 ${login.replaceAll('\0', ' ')} ${Buffer.from(login).toString('base64')} is wrong`);
    };
    const plain = (text: string) => judge(Buffer.from(text, 'base64').toString('utf8').slice(1));

    function command(line: string): void {
      const word = line.split(' ')[0]!.toUpperCase();
      if (word === 'EHLO') {
        const offers = [tls && !isSecure && 'STARTTLS', password && 'AUTH PLAIN', '8BITMIME'].filter(
          Boolean,
        ) as string[];
        say('EHLO', [...offers.map((offer) => `250-${offer}`), '250 SMTPUTF8'].join('\r\n'));
      } else if (word === 'STARTTLS' && tls) {
        say('STARTTLS', '220 go ahead');
        if (server.faults.answers?.STARTTLS !== undefined) return;
        socket.removeAllListeners('data');
        const secure = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(tls) });
        secure.on('error', () => socket.destroy());
        talk(secure, true);
      } else if (word === 'AUTH') {
        const initial = line.split(' ')[2];
        if (initial !== undefined) plain(initial);
        else {
          next = plain;
          say('AUTH', '334 ');
        }
      } else if (word === 'MAIL') {
        mail = { ...mail, from: /<(.*?)>/.exec(line)?.[1] ?? '' };
        say('MAIL', '250 ok');
      } else if (word === 'RCPT') {
        mail.to.push(/<(.*?)>/.exec(line)?.[1] ?? '');
        say('RCPT', '250 ok');
      } else if (word === 'DATA') {
        say('DATA', '354 go on');
        next = data;
      } else if (word === 'QUIT') socket.end('221 bye\r\n');
      else say(word, '502 unknown');
    }

    function data(line: string): void {
      if (line !== '.') {
        mail.data += `${line}\r\n`;
        next = data;
        return;
      }
      if (server.faults.answers?.['DATA.'] === undefined) mails.push(mail);
      mail = { ...mail, to: [], data: '' };
      say('DATA.', '250 taken');
    }

    socket.on('data', (part: Buffer) => {
      rest += part.toString('utf8');
      for (let end = rest.indexOf('\r\n'); end !== -1; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        if (!isSecure) inTheClear.push(line);
        if (server.faults.isMute) continue;
        const take = next ?? command;
        next = undefined;
        take(line);
      }
    });
  }

  const net = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    if (server.faults.isEndless) {
      const more = () => {
        if (socket.destroyed) return;
        socket.write('220-x'.padEnd(16_384, 'x'));
        setImmediate(more);
      };
      return more();
    }
    talk(socket, false);
    if (!server.faults.isMute) socket.write(`${server.faults.answers?.HELLO ?? '220 double'}\r\n`);
  });
  await new Promise<void>((resolve) => net.listen(0, '127.0.0.1', resolve));
  const server: SmtpServer = {
    port: (net.address() as AddressInfo).port,
    mails,
    inTheClear,
    faults: {},
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => net.close(resolve));
    },
  };
  return server;
}
