using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Mvc.ModelBinding.Validation;

namespace Secrets.Api.Binding;

/// <summary>
/// What a request may hold is judged by the use cases, in code points. MVC would walk through every body by reflection all the same, to find
/// that there is nothing to check.
/// </summary>
internal sealed class UnvalidatedModels : IObjectModelValidator
{
    public void Validate(ActionContext actionContext, ValidationStateDictionary? validationState, string prefix, object? model)
    {
        foreach (var (_, entry) in actionContext.ModelState)
        {
            if (entry is { ValidationState: ModelValidationState.Unvalidated })
            {
                entry.ValidationState = ModelValidationState.Skipped;
            }
        }
    }
}
