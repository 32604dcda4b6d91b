using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace Secrets.Api.Binding;

/// <summary>Turns MVC's errors of path and query into an <see cref="InvalidRequestException"/>.</summary>
internal static class InvalidParameters
{
    public static IActionResult Throw(ActionContext context) => throw new InvalidRequestException(
    [
        .. context.ModelState
            .Where(entry => entry.Value?.ValidationState == ModelValidationState.Invalid)
            .Select(entry => Describe(context, entry.Key, entry.Value!)),
    ]);

    /// <summary>The error for a repeated or empty parameter.</summary>
    public const string NotOnce = "Must be given once, and must not be empty.";

    // MVC's own message repeats the value.
    private static Violation Describe(ActionContext context, string key, ModelStateEntry entry)
    {
        var parameter = context.ActionDescriptor.Parameters
            .FirstOrDefault(parameter => string.Equals(parameter.BindingInfo?.BinderModelName ?? parameter.Name, key, StringComparison.Ordinal));
        var type = parameter is null ? null : Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        var (code, message) = type switch
        {
            _ when entry.RawValue is string[] { Length: > 1 } || string.IsNullOrEmpty(entry.AttemptedValue) => (Codes.BadValue, NotOnce),
            _ when type == typeof(Guid) => (Codes.NotUuid, "Must be a uuid."),
            _ when type == typeof(bool) => (Codes.NotBool, "Must be true or false."),
            _ when type == typeof(int) => (Codes.NotInteger, "Must be a whole number."),
            _ => (Codes.BadValue, "Is not valid."),
        };
        var source = parameter?.BindingInfo?.BindingSource;
        return new Violation(key, code, message, source == BindingSource.Path ? "path" : source == BindingSource.Query ? "query" : null);
    }
}
