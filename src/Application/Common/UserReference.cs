namespace Secrets.Application.Common;

/// <summary>A user in a request: the id, or the name in its place.</summary>
public static class UserReference
{
    /// <summary>The parameter or member that holds the id.</summary>
    public const string UserId = nameof(UserId);

    /// <summary>The parameter or member that holds the name.</summary>
    public const string User = nameof(User);

    /// <summary>The error for a name beside an id.</summary>
    public const string Both = "Must not be given together with user_id.";

    /// <summary>The error in a user's name; null: none.</summary>
    /// <param name="name">The name.</param>
    /// <param name="source">See <see cref="Violation.Source"/>.</param>
    public static Violation? Check(string name, string source) =>
        Rules.ProblemOfUserName(name) is var (code, message) ? new Violation(User, code, message, source) : null;

    /// <summary>The id of a user by name.</summary>
    /// <param name="names">Turns names into ids.</param>
    /// <param name="name">The name.</param>
    /// <param name="source">See <see cref="Violation.Source"/>.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="InvalidRequestException">The issuer is ambiguous.</exception>
    /// <exception cref="UnavailableException">The issuer is not known yet.</exception>
    public static async ValueTask<Guid> RequireAsync(this IUserNames names, string name, string? source, CancellationToken cancellationToken) =>
        await names.FindAsync(name, cancellationToken)
        ?? throw new InvalidRequestException(
            User, Codes.BadValue, "A name is ambiguous, because tokens of any issuer are accepted. Use user_id, or ask an operator to set Auth:Users:Issuer.", source);

    /// <summary>The id of a user by name; null: another user, whom the caller may not name. In that case nothing is stored or fetched.</summary>
    /// <exception cref="InvalidRequestException">The issuer is ambiguous.</exception>
    /// <exception cref="UnavailableException">The issuer is not known yet.</exception>
    public static async ValueTask<Guid?> FindAsync(this IUserNames names, string name, Caller caller, bool mayNameOthers, CancellationToken cancellationToken) =>
        mayNameOthers ? await names.RequireAsync(name, source: null, cancellationToken)
        : names.IsNameOf(name, caller.UserId) ? caller.UserId
        : null;
}
