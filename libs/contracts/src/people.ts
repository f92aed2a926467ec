// /api/v1/session, /setup, /accounts and /tokens: who the people are that see and change the network.

import { z } from 'zod';
import { timeSchema } from './fields.js';

/** A viewer sees the network; an admin changes it, too. */
export const roleSchema = z.enum(['viewer', 'admin']);
export type Role = z.infer<typeof roleSchema>;

/** Lower-case letters, digits and `._@-`: what can be told apart by eye, and printed anywhere. */
export const accountNameSchema = z
  .string()
  .max(64)
  .toLowerCase()
  .regex(/^[a-z0-9][a-z0-9._@-]*$/, 'expected letters, digits and ._@-');

const MIN_PASSWORD = 10;
const MAX_PASSWORD = 256;

/** A password that is being chosen. */
export const newPasswordSchema = z
  .string()
  .min(MIN_PASSWORD, `expected at least ${MIN_PASSWORD} characters`)
  .max(MAX_PASSWORD);

/** A password that is being proved: any text, so that a wrong one is answered like any other. */
const passwordSchema = z.string().max(MAX_PASSWORD);

/** GET, and the answer to POST /session and /setup. */
export const sessionInfoSchema = z.object({
  /** Null: nobody is signed in. */
  person: z
    .object({
      name: z.string(),
      role: roleSchema,
      /** Whether there is a password here that could be changed. */
      has_password: z.boolean(),
    })
    .nullable(),
  /** Everybody who reaches the server may see the network. */
  open: z.boolean(),
  /** There is no admin yet: the setup link makes the first one. */
  setup_needed: z.boolean(),
  /** What another place to sign in is called; null: there is none. */
  oidc: z.string().nullable(),
});
export type SessionInfo = z.infer<typeof sessionInfoSchema>;

export const signInSchema = z.object({ name: z.string().max(64), password: passwordSchema });
export type SignIn = z.infer<typeof signInSchema>;

export const passwordChangeSchema = z.object({ current: passwordSchema, new: newPasswordSchema });
export type PasswordChange = z.infer<typeof passwordChangeSchema>;

export const setupSchema = z.object({
  token: z.string().max(64),
  name: accountNameSchema,
  password: newPasswordSchema,
});
export type Setup = z.infer<typeof setupSchema>;

export const setupLinkSchema = z.object({
  /** Shown once; its fragment is the secret, which browsers send to nobody. */
  url: z.string(),
  expires_at: timeSchema,
});
export type SetupLink = z.infer<typeof setupLinkSchema>;

export const accountSchema = z.object({ name: accountNameSchema, role: roleSchema, created_at: timeSchema });
export type Account = z.infer<typeof accountSchema>;
export const accountsSchema = z.object({ accounts: z.array(accountSchema) });
export type Accounts = z.infer<typeof accountsSchema>;

export const newAccountSchema = z.object({ name: accountNameSchema, role: roleSchema, password: newPasswordSchema });
export type NewAccount = z.infer<typeof newAccountSchema>;

export const accountChangeSchema = z.object({ role: roleSchema.optional(), password: newPasswordSchema.optional() });
export type AccountChange = z.infer<typeof accountChangeSchema>;

export const apiTokenSchema = z.object({
  id: z.uuid(),
  name: accountNameSchema,
  role: roleSchema,
  created_at: timeSchema,
  created_by: z.string(),
  expires_at: timeSchema,
  /** To the minute. */
  last_used_at: timeSchema.nullable(),
});
export type ApiToken = z.infer<typeof apiTokenSchema>;
export const apiTokensSchema = z.object({ tokens: z.array(apiTokenSchema) });
export type ApiTokens = z.infer<typeof apiTokensSchema>;

const MAX_TOKEN_DAYS = 3650;

export const newApiTokenSchema = z.object({
  name: accountNameSchema,
  role: roleSchema,
  expires_in_days: z.number().int().min(1).max(MAX_TOKEN_DAYS).default(90),
});
export type NewApiToken = z.infer<typeof newApiTokenSchema>;

/** The only time that the token itself is told. */
export const createdApiTokenSchema = apiTokenSchema.extend({ token: z.string() });
export type CreatedApiToken = z.infer<typeof createdApiTokenSchema>;

export const doneSchema = z.object({ success: z.literal(true) });
export type Done = z.infer<typeof doneSchema>;
