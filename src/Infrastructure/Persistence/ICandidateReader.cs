using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Which of an owner's secrets are asked for.</summary>
/// <param name="Owner">The owner.</param>
/// <param name="Call">What they are to fill.</param>
internal readonly record struct CandidateQuestion(SecretOwner Owner, ToolCall Call);

/// <summary>Reads, for many calls at once, what may fill them, in the words of one database.</summary>
internal interface ICandidateReader
{
    /// <summary>
    /// One answer for each question: the defaults for its tool by name, the defaults of its arguments for patterns of tools, and the secrets that it
    /// refers to. Which of the patterns match is not for the database to decide.
    /// </summary>
    /// <param name="db">Whose connection to use; nothing of it is tracked.</param>
    /// <param name="questions">At least one.</param>
    Task<IReadOnlyList<OwnerCandidates>> ReadAsync(SecretsDbContext db, IReadOnlyList<CandidateQuestion> questions);
}
