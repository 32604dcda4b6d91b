namespace Secrets.Application.Common;

/// <summary>A user as requests name one: by id, or by name in its place.</summary>
public static class UserReference
{
    /// <summary>The parameter or member that holds the id.</summary>
    public const string UserId = nameof(UserId);

    /// <summary>The parameter or member that holds the name.</summary>
    public const string User = nameof(User);

    /// <summary>Why a name is refused where an id is given too.</summary>
    public const string Both = "Must not be given together with user_id.";

    /// <summary>What is wrong with the name of a user; null: nothing.</summary>
    /// <param name="name">The name.</param>
    /// <param name="source">See <see cref="Violation.Source"/>.</param>
    public static Violation? Check(string name, string source) =>
        Rules.ProblemOfUserName(name) is var (code, message) ? new Violation(User, code, message, source) : null;

    /// <summary>The id of a user by name.</summary>
    /// <param name="names">Turns names into ids.</param>
    /// <param name="name">The name.</param>
    /// <param name="source">See <see cref="Violation.Source"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidRequestException">The service does not know whose names these are.</exception>
    /// <exception cref="UnavailableException">It does not know it yet.</exception>
    public static async ValueTask<Guid> RequireAsync(this IUserNames names, string name, string? source, CancellationToken cancellationToken) =>
        await names.FindAsync(name, cancellationToken)
        ?? throw new InvalidRequestException(
            User, Codes.BadValue, "Tokens of any issuer are accepted here, so a name alone says nothing: use user_id, or have an operator set Auth:Users:Issuer.", source);

    /// <summary>The id of a user by name; null: the name is not the caller's own, and the caller may name nobody else. For such a caller nothing is stored or fetched.</summary>
    /// <exception cref="InvalidRequestException">The service does not know whose names these are.</exception>
    /// <exception cref="UnavailableException">It does not know it yet.</exception>
    public static async ValueTask<Guid?> FindAsync(this IUserNames names, string name, Caller caller, bool mayNameOthers, CancellationToken cancellationToken) =>
        mayNameOthers ? await names.RequireAsync(name, source: null, cancellationToken)
        : names.IsNameOf(name, caller.UserId) ? caller.UserId
        : null;
}
