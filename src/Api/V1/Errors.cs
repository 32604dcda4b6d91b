namespace Secrets.Api.V1;

/// <summary>Why a request was refused.</summary>
public sealed record Error
{
    /// <summary>The reason, for people.</summary>
    /// <example>Not found</example>
    public required string Detail { get; init; }
}

/// <summary>All errors of a request.</summary>
public sealed record InvalidRequestError
{
    /// <summary>One entry for each error.</summary>
    public required IReadOnlyList<InvalidMember> Detail { get; init; }
}

/// <summary>One error of a request.</summary>
public sealed record InvalidMember
{
    /// <summary>The place: <c>body</c>, <c>query</c> or <c>path</c>, then the member, then the index in a list.</summary>
    /// <example>["body", "secret_name"]</example>
    public required IReadOnlyList<object> Loc { get; init; }

    /// <summary>The error, for people. Never contains the submitted value.</summary>
    /// <example>Is required.</example>
    public required string Msg { get; init; }

    /// <summary>The error, for programs: an error type of Pydantic v2.</summary>
    /// <example>missing</example>
    public required string Type { get; init; }
}
