using System.Globalization;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace Secrets.Api.Binding;

/// <summary>
/// Parses parameters of path and query strictly: none may be repeated or empty. The framework treats an empty parameter as
/// absent, so a list with an empty filter would return everything.
/// </summary>
internal sealed class ParameterBinders : IModelBinderProvider
{
    private static readonly Binder OfUuids = new(text => Uuids.Parse(text));

    private readonly Dictionary<Type, IModelBinder> _binders = new()
    {
        [typeof(string)] = new Binder(text => text),
        [typeof(Guid)] = OfUuids,
        [typeof(Guid?)] = OfUuids,
        [typeof(bool?)] = new Binder(text => text switch { "true" => true, "false" => false, _ => null }),
        [typeof(int?)] = new Binder(text => NumberIn(text)),
    };

    public IModelBinder? GetBinder(ModelBinderProviderContext context) =>
        context.BindingInfo.BindingSource is { } source && (source.CanAcceptDataFrom(BindingSource.Query) || source.CanAcceptDataFrom(BindingSource.Path))
            ? _binders.GetValueOrDefault(context.Metadata.ModelType)
            : null;

    // Digits only: the framework also accepts 0x10 and #A, and ignores everything from U+0000 on.
    private static int? NumberIn(string text) =>
        text.All(letter => char.IsAsciiDigit(letter) || letter == '-')
        && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Parses the text of a parameter; null: invalid.</summary>
    private sealed class Binder(Func<string, object?> parse) : IModelBinder
    {
        public Task BindModelAsync(ModelBindingContext bindingContext)
        {
            var given = bindingContext.ValueProvider.GetValue(bindingContext.ModelName);
            bindingContext.ModelState.SetModelValue(bindingContext.ModelName, given);
            if (given == ValueProviderResult.None)
            {
                bindingContext.Result = ModelBindingResult.Success(model: null);
            }
            else if (given is { Length: 1, FirstValue: { Length: > 0 } text } && parse(text) is { } value)
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
