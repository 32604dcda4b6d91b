namespace Secrets.Api.V1;

/// <summary>Why a request was refused.</summary>
public sealed record Error
{
    /// <summary>What happened, in words.</summary>
    /// <example>Not found</example>
    public required string Detail { get; init; }
}

/// <summary>Everything that is wrong with a request.</summary>
public sealed record InvalidRequestError
{
    /// <summary>One entry per thing that is wrong.</summary>
    public required IReadOnlyList<InvalidMember> Detail { get; init; }
}

/// <summary>One thing that is wrong with a request.</summary>
public sealed record InvalidMember
{
    /// <summary>Where: <c>body</c>, <c>query</c> or <c>path</c>, then the member, then the index in a list.</summary>
    /// <example>["body", "secret_name"]</example>
    public required IReadOnlyList<object> Loc { get; init; }

    /// <summary>What is wrong, in words; never the value that was sent.</summary>
    /// <example>Is required.</example>
    public required string Msg { get; init; }

    /// <summary>What is wrong, for programs; the error types of Pydantic v2.</summary>
    /// <example>missing</example>
    public required string Type { get; init; }
}
