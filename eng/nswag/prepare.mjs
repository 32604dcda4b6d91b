// Prepares the published document, so that the generated code has good names and types. Every rule depends on the form of the document and not on a
// list of endpoints: a new endpoint needs no change here.

const reference = /"#\/components\/schemas\/([^"]+)"/g;

const camel = (name) => name.toLowerCase().replace(/[-_](.)/g, (_, letter) => letter.toUpperCase());

/** `Secrets_List` becomes `ListSecrets`, `Secrets_Get` `GetSecret`, `ApiKeys_RevokeAll` `RevokeAllApiKeys`, `Resolution_Explain` `Explain`. */
function operationName(id) {
  const [controller, action] = id.split('_');
  if (controller === 'Resolution') return action;
  return action + (/^List|All$/.test(action) ? controller : controller.replace(/s$/, ''));
}

/** `CreateSecretBody` becomes `CreateSecretRequest`: for the caller it is a request. */
const schemaName = (name) => name.replace(/Body$/, 'Request');

/** Whether the text of a member is a credential. Most have the format `password`; a new API key does not. */
const isSecret = (name, schema) => schema.format === 'password' || (name === 'key' && schema.type === 'string');

/** The name of a referenced schema. */
const nameOf = (schema) => schema?.$ref?.split('/').at(-1);

/** `oneOf: [null, X]` becomes a nullable X. */
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
    // A call without a body would change nothing. A required body also puts its argument before the optional ones.
    operation.requestBody.required = true;
    body.schema = simplifyNullable(body.schema).allOf?.[0] ?? body.schema;
  }
  // All failures have one form and one hand-written exception (SecretsApiException).
  operation.responses = { 200: operation.responses[200] };
  const result = nameOf(operation.responses[200].content?.['application/json'].schema);
  if (result && !schemas[result].properties) delete operation.responses[200].content;
}

/** The names of the schemas that `node` refers to, directly or through other schemas. */
function reachable(node, schemas, found = new Set()) {
  for (const [, name] of JSON.stringify(node).matchAll(reference)) {
    if (found.has(name)) continue;
    found.add(name);
    reachable(schemas[name], schemas, found);
  }
  return found;
}

export function prepare(document, { typescript = false } = {}) {
  // The URL is relative to the document. The caller of a client always gives the address of the service.
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
    // Clients ignore unknown members, so the generated types need no place for them.
    if (schema.properties) schema.additionalProperties = false;
    for (const [member, given] of Object.entries(schema.properties ?? {})) {
      const property = (schema.properties[member] = simplifyNullable(given));
      // An enumeration stays text: the generator would make a type for each occurrence, and a new name would break old clients.
      delete property.enum;
      // In a partial update "left out" and null differ. They also differ for the user of a tool call: null means no user.
      const isNullDistinct = partial.has(name) || (member === 'user_id' && 'tool_args' in schema.properties);
      if (isNullDistinct && !schema.required?.includes(member)) property['x-optional'] = true;
      if (isSecret(member, property)) {
        property['x-secret'] = true;
        if (typescript && !property.writeOnly) schema.properties[member] = secretText(property);
      }
    }
    if (typescript && tagged.has(name)) {
      schema.properties.etag = { type: 'string', description: 'The entity tag of this version, for `ifMatch`. Set only in responses about one secret.' };
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
