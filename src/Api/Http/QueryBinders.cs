using System.Globalization;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace Secrets.Api.Http;

/// <summary>
/// Reads parameters of the query as they are written; only an empty one is none. The framework's own reading takes a blank one for none too, and a
/// list whose filter says nothing shows everything.
/// </summary>
internal sealed class QueryBinders : IModelBinderProvider
{
    private readonly Dictionary<Type, IModelBinder> _binders = new()
    {
        [typeof(string)] = new Binder(texts => texts.FirstValue),
        [typeof(Guid?)] = new Binder(texts => Guid.TryParse(texts.FirstValue, out var id) ? id : null),

        // As digits: the framework's own reading also takes 0x10 and #A.
        [typeof(int?)] = new Binder(texts =>
            texts.Length == 1 && int.TryParse(texts.FirstValue, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null),
    };

    public IModelBinder? GetBinder(ModelBinderProviderContext context) =>
        context.BindingInfo.BindingSource is { } source && source.CanAcceptDataFrom(BindingSource.Query)
            ? _binders.GetValueOrDefault(context.Metadata.ModelType)
            : null;

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
