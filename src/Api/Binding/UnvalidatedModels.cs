using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Mvc.ModelBinding.Validation;

namespace Secrets.Api.Binding;

/// <summary>
/// Turns off MVC's validation. The use cases validate requests, with lengths in code points. MVC would inspect every body by reflection
/// and find nothing to validate.
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
