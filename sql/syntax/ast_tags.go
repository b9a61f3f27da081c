package syntax

// Tag implements Stmt.
func (*CreateTable) Tag() string { return "CREATE TABLE" }

// Tag implements Stmt.
func (s *CreateTableAs) Tag() string {
	if s.Materialized {
		return "CREATE MATERIALIZED VIEW"
	}
	return "CREATE TABLE AS"
}

// Tag implements Stmt.
func (*CreateView) Tag() string { return "CREATE VIEW" }

// Tag implements Stmt.
func (*RefreshView) Tag() string { return "REFRESH MATERIALIZED VIEW" }

// Tag implements Stmt.
func (*CreateIndex) Tag() string { return "CREATE INDEX" }

// Tag implements Stmt.
func (s *CreateSequence) Tag() string {
	if s.Alter {
		return "ALTER SEQUENCE"
	}
	return "CREATE SEQUENCE"
}

// Tag implements Stmt.
func (*CreateType) Tag() string { return "CREATE TYPE" }

// Tag implements Stmt.
func (*CreateDomain) Tag() string { return "CREATE DOMAIN" }

// Tag implements Stmt.
func (*CreateSchema) Tag() string { return "CREATE SCHEMA" }

// Tag implements Stmt.
func (*CreateExtension) Tag() string { return "CREATE EXTENSION" }

// Tag implements Stmt.
func (*CreateDatabase) Tag() string { return "CREATE DATABASE" }

// Tag implements Stmt. CREATE USER is CREATE ROLE to PostgreSQL.
func (s *CreateRole) Tag() string {
	if s.Alter {
		return "ALTER ROLE"
	}
	return "CREATE ROLE"
}

// Tag implements Stmt.
func (s *CreateFunction) Tag() string {
	if s.Procedure {
		return "CREATE PROCEDURE"
	}
	return "CREATE FUNCTION"
}

// Tag implements Stmt.
func (s *Grant) Tag() string {
	if s.Default {
		return "ALTER DEFAULT PRIVILEGES"
	}
	if s.Revoke {
		return "REVOKE"
	}
	return "GRANT"
}

// Tag implements Stmt.
func (s *GrantRole) Tag() string {
	if s.Revoke {
		return "REVOKE ROLE"
	}
	return "GRANT ROLE"
}

// Tag implements Stmt.
func (*Comment) Tag() string { return "COMMENT" }

// Tag implements Stmt.
func (s *Drop) Tag() string { return "DROP " + s.Kind }

// Tag implements Stmt.
func (s *AlterTable) Tag() string { return "ALTER " + s.Kind }

// Tag implements Stmt.
func (s *Rename) Tag() string { return "ALTER " + s.Kind }

// Tag implements Stmt.
func (s *SetSchema) Tag() string { return "ALTER " + s.Kind }

// Tag implements Stmt.
func (s *AlterFunction) Tag() string  { return "ALTER " + s.Kind }
func (s *AlterOwnerStmt) Tag() string { return "ALTER " + s.Kind }

// Tag implements Stmt.
func (*AlterEnum) Tag() string { return "ALTER TYPE" }

// Tag implements Stmt.
func (s *AlterSetting) Tag() string { return "ALTER " + s.Kind }
