using System.Globalization;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace Secrets.Api.Http;

/// <summary>
/// Reads parameters of path and query as they are written, and strictly; only an empty one is none. The framework's own reading takes a blank one for
/// none too, and a list whose filter says nothing shows everything.
/// </summary>
internal sealed class ParameterBinders : IModelBinderProvider
{
    private static readonly Binder OfUuids = new(texts => texts.FirstValue is { Length: 36 } text && Guid.TryParseExact(text, "D", out var id) ? id : null);

    private readonly Dictionary<Type, IModelBinder> _binders = new()
    {
        [typeof(string)] = new Binder(texts => texts.FirstValue),
        [typeof(Guid)] = OfUuids,
        [typeof(Guid?)] = OfUuids,
        [typeof(int?)] = new Binder(texts => texts.Length == 1 ? NumberIn(texts.FirstValue) : null),
    };

    public IModelBinder? GetBinder(ModelBinderProviderContext context) =>
        context.BindingInfo.BindingSource is { } source && (source.CanAcceptDataFrom(BindingSource.Query) || source.CanAcceptDataFrom(BindingSource.Path))
            ? _binders.GetValueOrDefault(context.Metadata.ModelType)
            : null;

    // As digits: the framework's own reading also takes 0x10 and #A, and a number ends for it where U+0000 begins.
    private static int? NumberIn(string? text) =>
        text is not null
        && text.All(letter => char.IsAsciiDigit(letter) || letter == '-')
        && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Makes a value of what was given, or null where that is not possible.</summary>
    private sealed class Binder(Func<ValueProviderResult, object?> parse) : IModelBinder
    {
        public Task BindModelAsync(ModelBindingContext bindingContext)
        {
            var given = bindingContext.ValueProvider.GetValue(bindingContext.ModelName);
            bindingContext.ModelState.SetModelValue(bindingContext.ModelName, given);
            if (string.IsNullOrEmpty(given.FirstValue))
            {
                bindingContext.Result = ModelBindingResult.Success(model: null);
            }
            else if (parse(given) is { } value)
            {
                bindingContext.Result = ModelBindingResult.Success(value);
            }
            else
            {
                bindingContext.ModelState.TryAddModelError(bindingContext.ModelName, "not of its type");
            }

            return Task.CompletedTask;
        }
    }
}
