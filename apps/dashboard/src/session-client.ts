// The dashboard's side of /api/v1/session and /setup: who is signed in, signing in and out.

import type { Done, SessionInfo, Setup, SignIn } from '@shadownet/contracts';
import { askControlPlane, isRecord } from './control-plane';

/** As askControlPlane, like all of these. */
export function fetchSession(baseUrl: string, signal: AbortSignal): Promise<SessionInfo> {
  return askControlPlane(baseUrl, { path: '/session', isAnswer: isSessionInfo }, signal);
}

/** The browser keeps the cookie that the answer sets; the page never sees it. */
export function signIn(baseUrl: string, body: SignIn): Promise<SessionInfo> {
  return askControlPlane(baseUrl, { path: '/session', method: 'POST', body, isAnswer: isSessionInfo }, NEVER);
}

export function signOut(baseUrl: string): Promise<Done> {
  return askControlPlane(baseUrl, { path: '/session', method: 'DELETE', isAnswer: isDone }, NEVER);
}

/** Makes the admin whom the setup link is for, and signs in as that. */
export function setUp(baseUrl: string, body: Setup): Promise<SessionInfo> {
  return askControlPlane(baseUrl, { path: '/setup', method: 'POST', body, isAnswer: isSessionInfo }, NEVER);
}

const NEVER = new AbortController().signal;

function isSessionInfo(body: unknown): body is SessionInfo {
  return isRecord(body) && 'person' in body && 'oidc' in body;
}

function isDone(body: unknown): body is Done {
  return isRecord(body) && body['success'] === true;
}
