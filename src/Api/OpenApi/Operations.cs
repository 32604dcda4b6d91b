using Microsoft.AspNetCore.Mvc.Controllers;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;
using Secrets.Api.Binding;
using Secrets.Api.Errors;
using Secrets.Domain.ApiKeys;

namespace Secrets.Api.OpenApi;

/// <summary>Adds to an operation what its action does not declare: an id, the failures of its dialect, shared headers and parameters.</summary>
internal static class Operations
{
    private static readonly DocumentedFailure[] FailuresOfBodies =
    [
        new(StatusCodes.Status413PayloadTooLarge, "The body is too large."),
        new(StatusCodes.Status415UnsupportedMediaType, "The body is not JSON in UTF-8, or is compressed."),
    ];

    private static readonly DocumentedFailure[] FailuresOfIfMatch =
    [
        new(StatusCodes.Status400BadRequest, "`If-Match` is not a list of entity tags."),
    ];

    public static void Describe(OpenApiOperation operation, ControllerActionDescriptor action, IFailureWriter dialect)
    {
        operation.OperationId = $"{action.ControllerName}_{action.ActionName}";
        AddFailures(operation, dialect.CommonFailures, dialect.Body);
        if (operation.RequestBody is not null)
        {
            AddFailures(operation, FailuresOfBodies, dialect.Body);
        }

        if (action.EndpointMetadata.OfType<TakesIfMatchAttribute>().Any())
        {
            AddFailures(operation, FailuresOfIfMatch, dialect.Body);
            AddParameter(
                operation,
                ParameterLocation.Header,
                HeaderNames.IfMatch,
                "The entity tag of the version to change. If the secret has another version, nothing changes.",
                new OpenApiSchema { Type = JsonSchemaType.String });
        }

        if (action.EndpointMetadata.OfType<ActsForUsersAttribute>().Any())
        {
            AddParameter(
                operation,
                ParameterLocation.Query,
                ActsForUsersAttribute.UserId,
                "The user whose secrets are meant. Requires the scope `users:act`. Cannot be combined with `organization_id`. Must not be an operator.",
                new OpenApiSchema { Type = JsonSchemaType.String, Format = "uuid" });
            AddParameter(
                operation,
                ParameterLocation.Query,
                ActsForUsersAttribute.User,
                "The user's name in place of `user_id`: the `sub` of the user's tokens.",
                new OpenApiSchema { Type = JsonSchemaType.String, MinLength = UserName.Length.Minimum, MaxLength = UserName.Length.Maximum });
        }
    }

    private static void AddFailures(OpenApiOperation operation, IEnumerable<DocumentedFailure> failures, Type body)
    {
        foreach (var failure in failures)
        {
            operation.Responses?.TryAdd($"{failure.Status}", new OpenApiResponse
            {
                Description = failure.Description,
                Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal) { ["application/json"] = new() { Schema = new OpenApiSchemaReference(body.Name) } },
            });
        }
    }

    private static void AddParameter(OpenApiOperation operation, ParameterLocation place, string name, string description, OpenApiSchema schema) =>
        (operation.Parameters ??= []).Add(new OpenApiParameter { Name = name, In = place, Description = description, Schema = schema });
}
