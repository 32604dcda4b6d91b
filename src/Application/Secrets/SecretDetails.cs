using AutoMapper;
using Secrets.Domain;

namespace Secrets.Application.Secrets;

/// <summary>The public part of a secret: everything except the value.</summary>
public sealed record SecretDetails : IListed
{
    public required Guid Id { get; init; }

    public required OwnerKind OwnerKind { get; init; }

    public required string OwnerId { get; init; }

    public required string Name { get; init; }

    /// <inheritdoc cref="Secret.Description" />
    public required string Description { get; init; }

    /// <inheritdoc cref="MaskedValue" />
    public required string Display { get; init; }

    public required string? ToolName { get; init; }

    public required string? ToolArg { get; init; }

    public required bool IsDefaultForTool { get; init; }

    public required WorkspaceRule WorkspaceRule { get; init; }

    /// <summary>The workspaces for <see cref="WorkspaceRule.Some"/>. Read on request only, because a user's secret has none.</summary>
    public IReadOnlyList<string> Workspaces { get; init; } = [];

    public required int Version { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <inheritdoc cref="Secret.CreatedBy" />
    public required Guid CreatedBy { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }

    /// <inheritdoc cref="Secret.UpdatedBy" />
    public required Guid UpdatedBy { get; init; }

    /// <inheritdoc cref="SecretUse.Count" />
    public required long UseCount { get; init; }

    /// <summary>When the value was last released; null: never.</summary>
    public required DateTimeOffset? LastResolvedAt { get; init; }

    private sealed class Mapping : Profile
    {
        public Mapping() => CreateMap<Secret, SecretDetails>()
            .ForMember(details => details.Workspaces, from =>
            {
                // Under another rule, rows of a manipulated database have no effect, so they are not shown.
                from.MapFrom(secret => secret.Grants
                    .Where(grant => secret.WorkspaceRule == WorkspaceRule.Some)
                    .OrderBy(grant => grant.Number)
                    .Select(grant => grant.Workspace));
                from.ExplicitExpansion();
            })
            .ForMember(details => details.UseCount, from => from.MapFrom(secret => secret.Use == null ? 0 : secret.Use.Count))
            .ForMember(details => details.LastResolvedAt, from => from.MapFrom(secret => secret.Use == null ? (DateTimeOffset?)null : secret.Use.LastAt));
    }
}
