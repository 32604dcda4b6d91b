using AutoMapper;
using Secrets.Domain;

namespace Secrets.Application.ApiKeys;

/// <summary>The public part of an API key: everything except its text.</summary>
public sealed record ApiKeyDetails : IListed
{
    public required Guid Id { get; init; }

    public required string Name { get; init; }

    public required string Prefix { get; init; }

    public required Scopes Scopes { get; init; }

    public required Guid UserId { get; init; }

    public required string? OrganizationId { get; init; }

    public required OrganizationRole? Role { get; init; }

    public required IReadOnlyList<string> Workspaces { get; init; }

    public required DateTimeOffset? ExpiresAt { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required Guid? CreatedByKey { get; init; }

    public required DateTimeOffset? LastUsedAt { get; init; }

    public required Guid? ReplacedBy { get; init; }

    private sealed class Mapping : Profile
    {
        public Mapping() => CreateMap<ApiKey, ApiKeyDetails>();
    }
}
