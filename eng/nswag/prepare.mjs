// What the generator is given instead of the published document, so that the code it writes is pleasant to use. Every rule goes by the form
// of the document, not by a list of endpoints: a new one needs no change here.

const reference = /"#\/components\/schemas\/([^"]+)"/g;

const camel = (name) => name.toLowerCase().replace(/[-_](.)/g, (_, letter) => letter.toUpperCase());

/** `Secrets_List` is `ListSecrets`, `Secrets_Get` is `GetSecret`, `ApiKeys_RevokeAll` is `RevokeAllApiKeys`, `Resolution_Explain` is `Explain`. */
function operationName(id) {
  const [controller, action] = id.split('_');
  if (controller === 'Resolution') return action;
  return action + (/^List|All$/.test(action) ? controller : controller.replace(/s$/, ''));
}

/** `CreateSecretBody` is a body only to the service; to who sends it, it is a request. */
const schemaName = (name) => name.replace(/Body$/, 'Request');

/** Members whose text is a credential. Fields of format `password` say so; a new API key does not. */
const isSecret = (name, schema) => schema.format === 'password' || (name === 'key' && schema.type === 'string');

/** The schema's name, where it is a reference. */
const nameOf = (schema) => schema?.$ref?.split('/').at(-1);

/** `oneOf: [null, X]` is X, nullable. */
function simplifyNullable(schema) {
  if (schema?.oneOf?.length !== 2) return schema;
  const other = schema.oneOf.find((one) => one.enum?.[0] !== null);
  const { oneOf, ...rest } = schema;
  return { ...rest, allOf: [other], nullable: true };
}

function prepareOperation(operation, schemas) {
  operation.operationId = operationName(operation.operationId);
  for (const parameter of operation.parameters ?? []) {
    parameter['x-originalName'] = camel(parameter.name);
    if (/RFC 3339/.test(parameter.description)) parameter.schema.format = 'date-time';
  }
  const body = operation.requestBody?.content['application/json'];
  if (body) {
    // Who has nothing to change does not call. A body that is required is also the argument before the optional ones.
    operation.requestBody.required = true;
    body.schema = simplifyNullable(body.schema).allOf?.[0] ?? body.schema;
  }
  // Failures have one form and one exception (SecretsApiException), written by hand.
  operation.responses = { 200: operation.responses[200] };
  const answer = nameOf(operation.responses[200].content?.['application/json'].schema);
  if (answer && !schemas[answer].properties) delete operation.responses[200].content;
}

/** The names of the schemas that `node` refers to, straight or through others. */
function reachable(node, schemas, found = new Set()) {
  for (const [, name] of JSON.stringify(node).matchAll(reference)) {
    if (found.has(name)) continue;
    found.add(name);
    reachable(schemas[name], schemas, found);
  }
  return found;
}

export function prepare(document, { typescript = false } = {}) {
  // Relative to the document, and the caller of a client always says where the service is.
  delete document.servers;
  const schemas = document.components.schemas;
  const partial = new Set();
  const tagged = new Set();
  for (const operations of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      prepareOperation(operation, schemas);
      if (method === 'patch') partial.add(nameOf(operation.requestBody?.content['application/json'].schema));
      if (operation.parameters?.some((parameter) => parameter.name === 'If-Match')) {
        tagged.add(nameOf(operation.responses[200].content?.['application/json'].schema));
      }
    }
  }

  const used = reachable(document.paths, schemas);
  for (const [name, schema] of Object.entries(schemas)) {
    if (!used.has(name)) {
      delete schemas[name];
      continue;
    }
    // Unknown members are read over; they need no place of their own.
    if (schema.properties) schema.additionalProperties = false;
    for (const [member, given] of Object.entries(schema.properties ?? {})) {
      const property = (schema.properties[member] = simplifyNullable(given));
      // A closed set of names stays text: the generator would make a type of it for each place, and a new name would break old clients.
      delete property.enum;
      // In a partial update "left out" and "null" are two things. So they are for the user of a tool call: null is no user.
      const isNullMeant = partial.has(name) || (member === 'user_id' && 'tool_args' in schema.properties);
      if (isNullMeant && !schema.required?.includes(member)) property['x-optional'] = true;
      if (isSecret(member, property)) {
        property['x-secret'] = true;
        if (typescript && !property.writeOnly) schema.properties[member] = secretText(property);
      }
    }
    if (typescript && tagged.has(name)) {
      schema.properties.etag = { type: 'string', description: 'The entity tag of this version, for `ifMatch`; only on an answer about one secret.' };
    }
  }
  if (typescript) schemas.SecretText = { type: 'object' };
  return renamed(document);
}

function secretText({ description, nullable }) {
  return { allOf: [{ $ref: '#/components/schemas/SecretText' }], description, nullable };
}

function renamed(document) {
  const schemas = Object.entries(document.components.schemas).map(([name, schema]) => [schemaName(name), schema]);
  const text = JSON.stringify({ ...document, components: { schemas: Object.fromEntries(schemas) } });
  return JSON.parse(text.replace(reference, (_, name) => `"#/components/schemas/${schemaName(name)}"`));
}
