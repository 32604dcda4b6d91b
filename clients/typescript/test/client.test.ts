// Tests the client against a running service. SECRETS_ADDRESS is its address; SECRETS_API_KEY is a key with every scope. The test project Client.Tests
// starts a service and runs this file.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { inspect } from 'node:util';
import * as secrets from '../src/index.js';

const value = 'hunter2-hunter2-hunter2';
const baseUrl = process.env['SECRETS_ADDRESS'] ?? '';
const apiKey = process.env['SECRETS_API_KEY'] ?? '';
const everything = new secrets.SecretsClient({ baseUrl, apiKey });

/** A client of a new user. */
async function newUser(): Promise<secrets.SecretsClient> {
  const made = await everything.createApiKey({
    name: 'typescript',
    user_id: randomUUID(),
    scopes: ['secrets:read', 'secrets:write', 'secrets:resolve', 'audit:read', 'keys:manage'],
  });
  return new secrets.SecretsClient({ baseUrl, token: async () => made.key!.reveal() });
}

/** Runs `use` with an HTTP server that responds as the test wants and counts requests. */
async function fake<T>(
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
  use: (client: secrets.SecretsClient, count: () => number, url: string) => Promise<T>,
): Promise<T> {
  let count = 0;
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => answer(request, response, ++count));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    return await use(new secrets.SecretsClient({ baseUrl: url, apiKey: 'a-key', maxRetries: 2 }), () => count, url);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('the client calls every operation', async () => {
  const client = await newUser();
  const made = await client.createSecret({ secret_name: 'n', secret_value: value, tool_name: 'linear__*', tool_arg: 'token', is_default_for_tool: true });
  assert.deepEqual((await client.listSecrets(10, undefined, 'linear__x')).data.map((one) => one.secret_id), [made.secret_id]);
  assert.equal((await client.getSecret(made.secret_id)).tool_arg, 'token');

  const resolved = await client.resolve({ user_id: made.user_id, tool_name: 'linear__x', tool_args: ['token', 'other'] });
  assert.deepEqual(secrets.fill({ issue: 1 }, resolved), { issue: 1, token: value });
  assert.deepEqual(resolved.missing, [{ tool_arg: 'other', reason: 'no_default' }]);
  assert.equal((await client.explain({ user_id: made.user_id, tool_name: 'linear__x', tool_args: ['token'] })).arguments[0]?.winner?.secret_id, made.secret_id);

  assert.equal((await client.updateSecret(made.secret_id, { secret_name: 'm' })).tool_name, 'linear__*');
  const cleared = await client.updateSecret(made.secret_id, { tool_name: null, tool_arg: null, is_default_for_tool: false });
  assert.deepEqual([cleared.secret_name, cleared.tool_name, cleared.tool_arg], ['m', null, null]);
  await client.deleteSecret(made.secret_id);

  const actions = (await client.listAudit(undefined, undefined, made.secret_id)).data.map((row) => row.action);
  assert.deepEqual(actions, ['secret.delete', 'secret.update', 'secret.update', 'secret.resolve', 'secret.create']);
  assert.equal((await everything.verifyAudit()).ok, true);
  assert.equal((await client.getUsage()).secrets, 0);
  const key = await client.createApiKey({ name: 'k', scopes: ['secrets:read'] });
  assert.ok((await client.listApiKeys()).data.some((one) => one.id === key.id && one.key === undefined));
  await client.deleteApiKey(key.id);
});

test('a sequence reads all pages', async () => {
  const client = await newUser();
  for (let i = 0; i < 5; i++) await client.createSecret({ secret_name: `${i}`, secret_value: value });
  const names: string[] = [];
  for await (const secret of client.enumerateSecrets(undefined, { pageSize: 2 })) names.push(secret.secret_name);
  assert.deepEqual(names, ['0', '1', '2', '3', '4']);
  let rows = 0;
  for await (const row of client.enumerateAudit(undefined, { pageSize: 2 })) rows += row.action === 'secret.create' ? 1 : 0;
  assert.equal(rows, 5);
});

test('every refusal has its class', async () => {
  const client = await newUser();
  const made = await client.createSecret({ secret_name: 'n', secret_value: value });
  const later = await client.updateSecret(made.secret_id, { secret_name: 'm' }, made.etag);
  assert.notEqual(later.etag, made.etag);

  const refused = async (kind: typeof secrets.SecretsApiError | typeof secrets.InvalidRequestError, status: number, call: () => Promise<unknown>) => {
    const error = await call().then(() => assert.fail('not refused'), (thrown: unknown) => thrown);
    assert.ok(error instanceof kind && error instanceof secrets.SecretsApiError, inspect(error));
    assert.equal(error.status, status);
    assert.ok(!inspect(error).includes(value));
    return error;
  };
  await refused(secrets.PreconditionFailedError, 412, () => client.deleteSecret(made.secret_id, made.etag));
  await refused(secrets.ConflictError, 409, () => client.createSecret({ secret_name: 'm', secret_value: value }));
  await refused(secrets.NotFoundError, 404, () => client.getSecret(randomUUID()));
  await refused(secrets.ForbiddenError, 403, () => client.verifyAudit());
  await refused(secrets.UnauthenticatedError, 401, () => new secrets.SecretsClient({ baseUrl, apiKey: 'no-such-key' }).listSecrets());
  await refused(secrets.TooLargeError, 413, async () => {
    for (let i = 0; ; i++) await client.createSecret({ secret_name: `${i}`, secret_value: 'x'.repeat(1024) });
  });
  const invalid = await refused(secrets.InvalidRequestError, 422, () => client.createSecret({ secret_name: '', secret_value: value }));
  assert.deepEqual((invalid as secrets.InvalidRequestError).errors.map(({ loc, type }) => [loc, type]), [[['body', 'secret_name'], 'string_too_short']]);
});

test('printing, inspection and JSON show no value', async () => {
  const client = await newUser();
  await client.createSecret({ secret_name: 'n', secret_value: value, tool_name: 't', tool_arg: 'a', is_default_for_tool: true });
  const resolved = await client.resolve({ user_id: (await client.getMe()).user_id, tool_name: 't' });
  assert.equal(resolved.values[0]?.secret_value.reveal(), value);
  for (const shown of [inspect(resolved, { depth: 9, showHidden: true }), JSON.stringify(resolved), `${resolved.values[0]?.secret_value}`]) {
    assert.ok(!shown.includes(value), shown);
    assert.ok(shown.includes('***'));
  }
});

test('an error contains nothing of a broken response or of the request', async () => {
  for (const [status, body] of [[200, `${value} is no JSON`], [502, `<p>${value}</p>`], [400, `{"error":"${value}"}`]] as const) {
    const error = await fake((_, response) => response.writeHead(status).end(body), (client) => client.resolve({ user_id: null, organization_id: 'acme', tool_name: 't' }).catch((thrown: unknown) => thrown));
    assert.ok(error instanceof secrets.SecretsApiError && error.status === status);
    assert.ok(!inspect(error).includes(value) && !String(error.stack).includes(value));
  }
});

test('repeatable calls are retried, all others only after 429', async () => {
  const create = (client: secrets.SecretsClient) => client.createSecret({ secret_name: 'n', secret_value: value });
  const resolve = (client: secrets.SecretsClient) => client.resolve({ user_id: null, organization_id: 'acme', tool_name: 't' });
  for (const [status, call, attempts] of [[503, create, 1], [503, resolve, 3], [429, create, 3], [500, resolve, 1], [0, create, 1], [0, resolve, 3]] as const) {
    await fake(
      (request, response) => (status === 0 ? request.socket.destroy() : response.writeHead(status, { 'retry-after': '0' }).end('{}')),
      async (client, count) => {
        await assert.rejects(call(client));
        assert.equal(count(), attempts, `${status} ${call.name}`);
      },
    );
  }
  const waited = await fake((_, response) => response.writeHead(429, { 'retry-after': '31' }).end('{}'), (client) => create(client).catch((thrown: unknown) => thrown));
  assert.ok(waited instanceof secrets.TooManyRequestsError && waited.retryAfter === 31);
});

test('cancellation ends a wait', async () => {
  await fake((_, response) => response.writeHead(429, { 'retry-after': '20' }).end('{}'), async (client) => {
    await assert.rejects(client.withSignal(AbortSignal.timeout(100)).listSecrets(), { name: 'TimeoutError' });
  });
});

test('a redirect gets neither key nor value', async () => {
  await fake((_, response) => response.end('{}'), (_, thefts, url) =>
    fake((_, response) => response.writeHead(307, { location: url }).end(), async (client) => {
      await assert.rejects(client.createSecret({ secret_name: 'n', secret_value: value }));
      assert.equal(thefts(), 0);
    }));
});
