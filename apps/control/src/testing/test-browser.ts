// A browser as the API sees it: keeps the session cookie, and says which page asks. For specs.

export interface BrowserAnswer {
  readonly status: number;
  readonly json: Record<string, unknown>;
  readonly text: string;
  readonly headers: Headers;
}

export class TestBrowser {
  /** As it goes into the Cookie header; empty if there is none. */
  cookie = '';

  constructor(
    /** Of the page: that of the server, if nothing else is said. */
    readonly url: string,
    private readonly headers: Record<string, string> = { origin: url },
  ) {}

  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = this.headers,
  ): Promise<BrowserAnswer> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        ...headers,
        ...(this.cookie !== '' && { cookie: this.cookie }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      this.cookie = /Max-Age=0/.test(cookie) ? '' : cookie.split(';')[0]!;
    }
    const text = await response.text();
    return {
      status: response.status,
      json: JSON.parse(text) as BrowserAnswer['json'],
      text,
      headers: response.headers,
    };
  }

  signIn(name: string, password: string): Promise<BrowserAnswer> {
    return this.ask('POST', '/session', { name, password });
  }
}
