/** `capture.redact` as it is where a configuration says nothing of it. */
import type { RedactSettings } from '../../src/record/redact-rules.ts';

export const DEFAULT_REDACTION: RedactSettings = {
  headers: ['authorization', 'cookie', 'set-cookie', 'proxy-authorization', 'x-api-key', 'x-auth-token'],
  fields: [
    ...['password', 'passwd', 'secret', 'token', 'access_token', 'refresh_token', 'api_key', 'apikey'],
    ...['authorization', 'credit_card'],
  ],
  patterns: ['bearer', 'jwt', 'private-key', 'aws-key', 'card-number'],
  keepOriginal: true,
};
