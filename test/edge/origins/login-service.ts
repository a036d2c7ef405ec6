// Login services as they answer a proxy's question about a request. Who has the cookie `session=NAME` is NAME.
// oauth2-proxy: https://oauth2-proxy.github.io/oauth2-proxy/configuration/integration (/oauth2/auth: 202 or 401; /oauth2/sign_in).
// Authelia: https://www.authelia.com/integration/proxies/nginx/ (/api/authz/auth-request: 200, or 401 with Location).
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Listening, listen } from './listening.ts';

export type LoginKind = 'oauth2-proxy' | 'authelia';

/** Where each kind answers. */
export const LOGIN_PATHS = { 'oauth2-proxy': '/oauth2/auth', authelia: '/api/authz/auth-request' } as const;
export const SIGN_IN_PATH = '/oauth2/sign_in';
export const PORTAL = 'https://login.hoge.com/';

export interface LoginQuestion {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  rawHeaders: string[];
  bodyBytes: number;
}

export interface LoginService extends Listening {
  /** Every question that was asked, in order. */
  readonly questions: LoginQuestion[];
  /** Overrides the next answers; undefined: as its kind. */
  answerWith(status: number | undefined): void;
}

export async function startLogin(address: string, kind: LoginKind): Promise<LoginService> {
  const questions: LoginQuestion[] = [];
  let forced: number | undefined;
  const server = createServer((request, response) => {
    let bodyBytes = 0;
    request.on('data', (part: Buffer) => {
      bodyBytes += part.length;
    });
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders } = request;
      questions.push({ method, url, headers, rawHeaders, bodyBytes });
      if (forced !== undefined) response.writeHead(forced).end();
      else answer(kind, url, userOf(request), response);
    });
  });
  return {
    ...(await listen(server, address)),
    questions,
    answerWith(status) {
      forced = status;
    },
  };
}

function answer(kind: LoginKind, url: string, user: string | undefined, response: ServerResponse): void {
  const path = url.split('?')[0];
  if (kind === 'oauth2-proxy' && path === SIGN_IN_PATH) {
    response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'csrf=1; Path=/' }).end('<h1>Sign in</h1>');
  } else if (path !== LOGIN_PATHS[kind]) {
    response.writeHead(404).end();
  } else if (user !== undefined) {
    const name = kind === 'authelia' ? 'Remote-User' : 'X-Auth-Request-User';
    const email = kind === 'authelia' ? 'Remote-Email' : 'X-Auth-Request-Email';
    response.writeHead(kind === 'authelia' ? 200 : 202, { [name]: user, [email]: `${user}@hoge.com` }).end();
  } else {
    response.writeHead(401, kind === 'authelia' ? { location: `${PORTAL}?rd=here` } : {}).end('Unauthorized');
  }
}

function userOf({ headers: { cookie = '' } }: IncomingMessage): string | undefined {
  return /(?:^|; )session=([a-z]+)/.exec(cookie)?.[1];
}
