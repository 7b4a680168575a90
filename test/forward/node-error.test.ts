import '../helpers/one-realm.ts';
import { errors } from 'undici';
import { translateError } from '../../src/forward/node-error.ts';

const coded = (code: string, message = code): Error => Object.assign(new Error(message), { code });

test.each([
  ['ECONNREFUSED', 'connect', false],
  ['EHOSTUNREACH', 'connect', false],
  ['ENETUNREACH', 'connect', false],
  ['EADDRNOTAVAIL', 'connect', false],
  ['EMFILE', 'connect', false],
  ['ECONNRESET', 'connect', false],
  ['ETIMEDOUT', 'connect', true],
  ['UND_ERR_CONNECT_TIMEOUT', 'connect', true],
  ['ENOTFOUND', 'dns', false],
  ['EAI_AGAIN', 'dns', false],
  ['ESERVFAIL', 'dns', false],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls', false],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls', false],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls', false],
  ['CERT_HAS_EXPIRED', 'tls', false],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls', false],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls', false],
  ['EPROTO', 'tls', false],
])('while connecting, %s is %s (time ran out: %s)', (code, reason, timedOut) => {
  const translated = translateError(coded(code), 'connecting');
  expect(translated).toMatchObject({ reason, timedOut });
  expect(translated.message).toContain(code);
});

test('a handshake that the peer hangs up is tls', () => {
  const error = coded('ECONNRESET', 'Client network socket disconnected before secure TLS connection was established');
  expect(translateError(error, 'connecting').reason).toBe('tls');
});

test('an error that bundles those of several addresses is looked into', () => {
  const bundle = new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')], 'all failed');
  expect(translateError(bundle, 'connecting').message).toBe('the target refused the connection (ECONNREFUSED)');
  expect(translateError(Object.assign(new Error('outer'), { cause: coded('ENOTFOUND') }), 'connecting').reason).toBe(
    'dns',
  );
});

/** As undici makes them: HPE_ and the parser's own name. */
const parser = (code: string): Error =>
  Object.assign(new errors.HTTPParserError('Parse error'), { code: `HPE_${code}` });

test.each([
  ['nothing but an end', new errors.SocketError('other side closed'), 'reset', 'truncated'],
  ['a reset', coded('ECONNRESET'), 'reset', 'truncated'],
  ['bytes that are no HTTP', parser('INVALID_CONSTANT'), 'protocol', 'protocol'],
  ['a chunked body without its end', parser('INVALID_EOF_STATE'), 'protocol', 'truncated'],
  ['a length that does not fit', new errors.ResponseContentLengthMismatchError(), 'protocol', 'truncated'],
  ['a head that is too large', new errors.HeadersOverflowError(), 'protocol', 'protocol'],
  ['an unasked 100', new errors.SocketError('bad response'), 'protocol', 'protocol'],
  ['an unasked 101', new errors.SocketError('bad upgrade'), 'protocol', 'protocol'],
  ['silence before the head', new errors.HeadersTimeoutError(), 'timeout', 'timeout'],
  ['silence in the body', new errors.BodyTimeoutError(), 'timeout', 'timeout'],
])('%s is %s before the head of the answer and %s after', (_, error, waiting, receiving) => {
  expect(translateError(error, 'waiting').reason).toBe(waiting);
  expect(translateError(error, 'receiving').reason).toBe(receiving);
  expect(translateError(error, 'waiting').timedOut).toBe(waiting === 'timeout');
});

test('what is no error at all still has a sentence', () => {
  expect(translateError('oops', 'waiting')).toMatchObject({ reason: 'reset', timedOut: false });
});
