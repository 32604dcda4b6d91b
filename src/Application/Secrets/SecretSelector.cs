using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>The secret that a request means: by id among the caller's visible secrets, or by name at a given owner.</summary>
public sealed record SecretSelector
{
    private SecretSelector()
    {
    }

    /// <summary>The id; null: selected by name.</summary>
    public Guid? Id { get; private init; }

    /// <summary>The owner; null: selected by id.</summary>
    public OwnerSelector? Owner { get; private init; }

    /// <summary>The name; null: selected by id.</summary>
    public string? Name { get; private init; }

    /// <summary>The kind of owner whose limits apply. A secret selected by id may belong to either kind: the limits of users are the narrower ones.</summary>
    public OwnerKind LimitsOf => Owner?.Kind ?? OwnerKind.User;

    public static SecretSelector ById(Guid id) => new() { Id = id };

    public static SecretSelector ByName(OwnerSelector owner, string? name) => new() { Owner = owner, Name = name };
}
