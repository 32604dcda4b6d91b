using AutoMapper;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>
/// Changes members of a secret. An omitted member does not change. Null clears <paramref name="ToolName"/>, <paramref name="ToolArg"/> and
/// <see cref="Description"/>. Null does not change the other members, because they cannot be empty.
/// </summary>
/// <param name="Secret">The secret.</param>
/// <param name="SecretName">A new name. An organisation's secret cannot be renamed.</param>
/// <param name="SecretValue">A new value.</param>
/// <param name="ToolName">A new tool or pattern.</param>
/// <param name="ToolArg">A new argument.</param>
/// <param name="IsDefaultForTool">Whether the secret is the default from now on.</param>
/// <param name="Condition">The versions that the caller expects; null: any.</param>
[RequiresScope(Scopes.SecretsWrite)]
[AuditedAs(AuditAction.SecretUpdate)]
public sealed record UpdateSecret(
    SecretSelector Secret,
    Optional<string> SecretName,
    Optional<SecretValue> SecretValue,
    Optional<string> ToolName,
    Optional<string> ToolArg,
    Optional<bool?> IsDefaultForTool,
    VersionCondition? Condition) : IRequest<SecretWithWarnings>, INamesTarget, INamesOwner, IWorkspaceRequest
{
    /// <summary>A new description.</summary>
    public Optional<string> Description { get; init; }

    /// <inheritdoc />
    public string? AllowedWorkspacesType { get; init; }

    /// <inheritdoc />
    public IReadOnlyList<string>? AllowedWorkspaces { get; init; }

    Guid? INamesTarget.AuditedSecretId => Secret.Id;

    OwnerSelector? INamesOwner.Owner => Secret.Owner;

    /// <summary>Whether the request has no members. Such a request changes nothing and is not audited.</summary>
    internal bool IsEmpty => this is
    {
        SecretName.IsGiven: false,
        SecretValue.IsGiven: false,
        ToolName.IsGiven: false,
        ToolArg.IsGiven: false,
        IsDefaultForTool.IsGiven: false,
        Description.IsGiven: false,
        AllowedWorkspacesType: null,
        AllowedWorkspaces: null,
    };

    /// <summary>Whether the request changes the secret. Any given value counts, even an equal one. A null counts if it clears something.</summary>
    internal bool Changes(Secret secret) =>
        SecretName.Value is not null
        || SecretValue.Value is not null
        || Description.Value is not null
        || AllowedWorkspacesType is not null
        || AllowedWorkspaces is not null
        || IsDefaultForTool.Value is not null
        || ToolName.Value is not null
        || ToolArg.Value is not null
        || (Description.IsGiven && secret.Description.Length > 0)
        || (ToolName.IsGiven && secret.ToolName is not null)
        || (ToolArg.IsGiven && secret.ToolArg is not null);

    internal ToolBinding BindingAfter(Secret secret) => new(
        ToolName.Else(secret.ToolName), ToolArg.Else(secret.ToolArg), IsDefaultForTool.Value ?? secret.IsDefaultForTool);
}

internal sealed class UpdateSecretValidator : AbstractValidator<UpdateSecret>
{
    public UpdateSecretValidator(IOptions<ValueOptions> values)
    {
        RuleFor(request => request.Secret.Name).SecretName(request => request.Secret.LimitsOf);
        RuleFor(request => request.SecretName).Name(Secret.NameLength);
        RuleFor(request => request.SecretValue).Value(request => values.Value.LengthOf(request.Secret.LimitsOf));
        RuleFor(request => request.Description).Text(Secret.DescriptionLength);
        RuleFor(request => request.ToolName).ExactName(ToolPattern.Length);
        RuleFor(request => request.ToolArg).ExactName(ToolBinding.ArgLength);
        this.ValidateWorkspaces();
    }
}

internal sealed class UpdateSecretHandler(
    OwnerTransaction transaction, ISealer sealer, Caller caller, TimeProvider time, IMapper mapper)
    : IRequestHandler<UpdateSecret, SecretWithWarnings>
{
    public async Task<SecretWithWarnings> Handle(UpdateSecret request, CancellationToken cancellationToken)
    {
        if (request.IsEmpty)
        {
            // No lock: locking changes the owner's stamp, so even this request would write to the database.
            var unchanged = await transaction.FindAsync(request.Secret, cancellationToken);
            request.Condition?.Require(unchanged.Version);
            return new SecretWithWarnings(mapper.Map<SecretDetails>(unchanged), OverlapAdvice.Compare(unchanged, []));
        }

        var (secret, overlapCandidates) = await transaction.RunAsync(
            request.Secret, secrets => secrets.Include(secret => secret.Use), (secret, token) => UpdateAsync(request, secret, token), cancellationToken);
        return new SecretWithWarnings(mapper.Map<SecretDetails>(secret), OverlapAdvice.Compare(secret, overlapCandidates));
    }

    private async Task<(Secret Secret, IReadOnlyList<OverlapCandidate> OverlapCandidates)> UpdateAsync(
        UpdateSecret request, Secret secret, CancellationToken cancellationToken)
    {
        request.Condition?.Require(secret.Version);
        if (request.SecretValue.Value?.Is(secret.Display) == true)
        {
            // A client that edits a secret may send the mask back as the value. Storing the mask would destroy the credential.
            throw new InvalidRequestException(nameof(UpdateSecret.SecretValue), Codes.BadValue, "Must be a new value, not the mask of the current one.");
        }

        if (!request.Changes(secret))
        {
            transaction.Record(AuditAction.SecretUpdate, secret);
            return (secret, []);
        }

        if (secret.OwnerKind == OwnerKind.Organization && request.SecretName.Value is { } name && !string.Equals(name, secret.Name, StringComparison.Ordinal))
        {
            throw new InvalidRequestException(
                nameof(UpdateSecret.SecretName), Codes.BadValue, "The name of an organisation's secret cannot be changed.");
        }

        var workspaces = request.WorkspacesAfter(secret.Workspaces);
        var binding = request.BindingAfter(secret);
        if (!binding.IsValid)
        {
            throw new InvalidRequestException(
                nameof(UpdateSecret.IsDefaultForTool), Codes.BadValue, CreateSecretValidator.IncompleteDefault);
        }

        // Open the stored value even if a new one replaces it. Otherwise, sealing again would make a manipulated row valid.
        using var stored = await sealer.OpenAsync(secret.Placement, secret.Envelope, cancellationToken);
        var value = request.SecretValue.Value ?? stored;
        var sizeBefore = secret.Size;
        secret.Update(
            request.SecretName.Value ?? secret.Name, request.Description.Else(secret.Description) ?? "", binding, workspaces, caller.UserId, time.Now());
        secret.Seal(value, await sealer.SealAsync(secret.Placement, value, cancellationToken));
        transaction.Record(AuditAction.SecretUpdate, secret);
        await transaction.LockAndRequireQuotaAsync(secret.Owner, new OwnerUse(secret.Size - sizeBefore, Secrets: 0), cancellationToken);
        return (secret, await transaction.Db.Secrets.FindOverlapCandidatesAsync(secret, cancellationToken));
    }
}
