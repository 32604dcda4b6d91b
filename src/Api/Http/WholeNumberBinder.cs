using System.Globalization;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace Secrets.Api.Http;

/// <summary>Reads whole numbers of query and path as digits. The framework's own reading also takes <c>0x10</c> and <c>#A</c>.</summary>
internal sealed class WholeNumberBinder : IModelBinder, IModelBinderProvider
{
    public IModelBinder? GetBinder(ModelBinderProviderContext context) =>
        context.Metadata.ModelType == typeof(int?) && context.BindingInfo.BindingSource is { } source && source.CanAcceptDataFrom(BindingSource.Query)
            ? this
            : null;

    public Task BindModelAsync(ModelBindingContext bindingContext)
    {
        var given = bindingContext.ValueProvider.GetValue(bindingContext.ModelName);
        bindingContext.ModelState.SetModelValue(bindingContext.ModelName, given);
        if (string.IsNullOrEmpty(given.FirstValue))
        {
            bindingContext.Result = ModelBindingResult.Success(model: null);
        }
        else if (given.Length == 1 && int.TryParse(given.FirstValue, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            bindingContext.Result = ModelBindingResult.Success(number);
        }
        else
        {
            bindingContext.ModelState.TryAddModelError(bindingContext.ModelName, "not a whole number");
        }

        return Task.CompletedTask;
    }
}
